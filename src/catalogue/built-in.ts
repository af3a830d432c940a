/** Where the catalogue that ships with surgewatch stands. Only the place: reading a file is for the edge that needs it. */
export const BUILT_IN_CATALOGUE = new URL('./built-in.yaml', import.meta.url);
