/** The base path the server is mounted at, such as `/app`, read from the page's meta tag. Empty at the root. */
export function basePath(page: Document): string {
  const said = page.querySelector<HTMLMetaElement>('meta[name="thinkaloud-base-path"]')?.content ?? "";
  return said.replace(/\/+$/, "");
}
