// The page's build (bundle.mjs) provides these: text files as modules, and constants.

declare module "*.txt" {
  const text: string;
  export default text;
}

/** The SHA-256 of the other files of this page, in hexadecimal, by name. */
declare const FILES: Readonly<Record<string, string>>;

/** The beginning of the names of this page's language tables in `FILES`. */
declare const TABLES: string;

/** The languages of the page, by the names of their tables: their own names, and the text while the page loads. */
declare const LANGUAGES: Readonly<Record<string, { readonly name: string; readonly loading: string }>>;
