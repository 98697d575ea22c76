/** How much memory images may take in this browser. */
export const memory = {
  title: 'Memory for images',
  choice: (megabytes: number, usual: boolean) =>
    `${megabytes / 1024} GB${usual ? ' (usual)' : ''}`,
} as const;
