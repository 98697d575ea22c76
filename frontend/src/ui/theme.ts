import { createTheme, type MantineColorsTuple } from '@mantine/core';

const accent: MantineColorsTuple = [
  '#eaf4ff',
  '#d6e9ff',
  '#b3d6ff',
  '#93c5ff',
  '#78b6ff',
  '#78b6ff',
  '#4f9bf2',
  '#3b83d6',
  '#2d6bb3',
  '#1f4d83',
];

const dark: MantineColorsTuple = [
  '#e9edf3',
  '#b7c1d0',
  '#94a0b2',
  '#6f7d93',
  '#39445a',
  '#29313e',
  '#212834',
  '#191e27',
  '#12161d',
  '#0b0e13',
];

/** Mantine's theme, fed from the design tokens (tokens.css). */
export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: 4,
  autoContrast: true,
  colors: { accent, dark },
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '14px', xl: '16px' },
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '8px', xl: '8px' },
  defaultRadius: 'sm',
  respectReducedMotion: true,
  focusRing: 'auto',
  components: {
    Modal: {
      defaultProps: {
        centered: true,
        transitionProps: { duration: 120 },
        overlayProps: { backgroundOpacity: 0.6 },
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    Popover: { defaultProps: { transitionProps: { duration: 80 } } },
    Menu: { defaultProps: { transitionProps: { duration: 80 } } },
    Tooltip: { defaultProps: { transitionProps: { duration: 80 } } },
    TextInput: { defaultProps: { size: 'sm' } },
    PasswordInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', comboboxProps: { shadow: 'md' } } },
    Textarea: { defaultProps: { size: 'sm' } },
  },
});
