/** The words of what lies over images, of notices, and of the volume drawing. */
export const looks = {
  overlays: 'Overlays of the image on or off',
  labels: 'Series label and number on or off',
};
