/** In the place of what registers vtk.js's drawing through WebGPU: we draw by WebGL. */
export {};
