// The page's build (bundle.mjs) provides these: text files as modules, and constants.

declare module "*.txt" {
  const text: string;
  export default text;
}

/** The other files of this page, by name: the path, relative to the page, and the SHA-256 in hexadecimal. */
declare const FILES: Readonly<Record<string, { readonly path: string; readonly sha256: string }>>;

/** The languages of the page, by the names of their tables: their own names, and the text while the page loads. */
declare const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly loading: string }>>;
