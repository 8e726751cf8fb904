// Files that the page's build includes as text.

declare module "*.txt" {
  const text: string;
  export default text;
}
