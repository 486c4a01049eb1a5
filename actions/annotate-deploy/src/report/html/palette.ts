/** Colours of the page by their part in it, once for light and once for dark surroundings. */
export const PALETTE = {
  light: {
    page: "#f4f5f7",
    surface: "#ffffff",
    sunken: "#eef0f4",
    line: "#d9dde4",
    text: "#1b222c",
    muted: "#545f6e",
    link: "#1f4fc4",
    path: "#1f4fc4",
    quiet: "#7f93c4",
    gap: "#8a929e",
    ok: "#0d6a3a",
    "ok-soft": "#dff3e7",
    "ok-bar": "#2a8f57",
    warn: "#7d4a00",
    "warn-soft": "#ffefd0",
    "warn-bar": "#b97708",
    bad: "#a81e17",
    "bad-soft": "#fde7e5",
    "bad-bar": "#d0382f",
    "layer-1": "#1f4fc4",
    "layer-2": "#0b7f86",
    "layer-3": "#8a4fbf",
    "layer-4": "#b0620a",
  },
  dark: {
    page: "#0f1318",
    surface: "#181e26",
    sunken: "#222a34",
    line: "#333d4a",
    text: "#e8ecf2",
    muted: "#a9b4c2",
    link: "#8db4ff",
    path: "#7aa5ff",
    quiet: "#5d75a8",
    gap: "#76818f",
    ok: "#7edba5",
    "ok-soft": "#12301f",
    "ok-bar": "#3fae70",
    warn: "#f5c877",
    "warn-soft": "#38290b",
    "warn-bar": "#d0932b",
    bad: "#ffa69e",
    "bad-soft": "#401917",
    "bad-bar": "#ee655b",
    "layer-1": "#7aa5ff",
    "layer-2": "#3fb6bd",
    "layer-3": "#bd8fe8",
    "layer-4": "#dd9440",
  },
} as const;

export type Scheme = keyof typeof PALETTE;
export type ColourName = keyof (typeof PALETTE)["light"];

/** Text and the grounds it stands on: 4.5 to 1 at least (WCAG 2.2, 1.4.3). */
export const TEXT_PAIRS: readonly (readonly [ColourName, ColourName])[] = [
  ["text", "page"],
  ["text", "surface"],
  ["text", "sunken"],
  ["text", "ok-soft"],
  ["text", "warn-soft"],
  ["text", "bad-soft"],
  ["muted", "page"],
  ["muted", "surface"],
  ["muted", "sunken"],
  ["muted", "ok-soft"],
  ["muted", "warn-soft"],
  ["muted", "bad-soft"],
  ["link", "surface"],
  ["link", "page"],
  ["link", "ok-soft"],
  ["link", "warn-soft"],
  ["link", "bad-soft"],
  ["ok", "surface"],
  ["ok", "ok-soft"],
  ["warn", "surface"],
  ["warn", "warn-soft"],
  ["bad", "surface"],
  ["bad", "bad-soft"],
];

/** Marks that carry meaning and what lies behind them: 3 to 1 at least (WCAG 2.2, 1.4.11). */
export const MARK_PAIRS: readonly (readonly [ColourName, ColourName])[] = [
  ["path", "surface"],
  ["quiet", "surface"],
  ["gap", "surface"],
  ["ok-bar", "surface"],
  ["warn-bar", "surface"],
  ["bad-bar", "surface"],
  ["layer-1", "surface"],
  ["layer-2", "surface"],
  ["layer-3", "surface"],
  ["layer-4", "surface"],
];

/** The palette as custom properties. */
export function paletteCss(): string {
  const block = (scheme: Scheme): string =>
    Object.entries(PALETTE[scheme])
      .map(([name, value]) => `--${name}:${value};`)
      .join("");
  return `:root{color-scheme:light dark;${block("light")}}@media (prefers-color-scheme:dark){:root{${block("dark")}}}`;
}

/** Contrast of two `#rrggbb` colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const value = Number.parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
