/**
 * Begins something once, however many ask while it begins; what failed is begun anew.
 * The image library's decoders make their module anew for each who asks meanwhile.
 */
export function once<T>(begin: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | null = null;
  return () => {
    begun ??= begin().catch((error) => {
      begun = null;
      throw error;
    });
    return begun;
  };
}
