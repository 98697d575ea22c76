let known: boolean | null = null;

function rendererName(): string {
  const context = document.createElement('canvas').getContext('webgl2');
  const names = context?.getExtension('WEBGL_debug_renderer_info');
  if (!context || !names) return '';
  const name = context.getParameter(names.UNMASKED_RENDERER_WEBGL);
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return String(name);
}

/** Whether this machine has no graphics card for us: the processor draws, slowly. */
export function drawnByProcessor(): boolean {
  known ??= /swiftshader|llvmpipe|software|basic render/i.test(rendererName());
  return known;
}
