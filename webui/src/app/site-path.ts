/** The path of the site under which the server is, such as `/app`, as the server wrote it into the page; empty: the root. */
export function basePath(page: Document): string {
  const said = page.querySelector<HTMLMetaElement>('meta[name="thinkaloud-base-path"]')?.content ?? "";
  return said.replace(/\/+$/, "");
}
