/** In the place of xmlbuilder2: for meshes' files in VTK's XML, which are never read. */
export function create(): never {
  throw new Error('files of meshes are left out');
}
