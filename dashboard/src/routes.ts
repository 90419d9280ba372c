// The pages and their addresses. Pure but for `here` and `go`, which are the browser's address.
import { signal } from "@preact/signals";

export type Route =
  | { page: "tests" }
  | { page: "test"; id: string }
  | { page: "new"; from: string | null }
  | { page: "drivers" }
  | { page: "compare"; a: string[]; b: string[] }
  | { page: "unknown" };

const ids = (text: string | null): string[] => (text ?? "").split(",").filter((id) => id !== "");

/** The page of an address. */
export function route(pathname: string, search: string): Route {
  const query = new URLSearchParams(search);
  const parts = pathname.split("/").filter((part) => part !== "");
  const [first, second] = parts;
  if (first === undefined) return { page: "tests" };
  if (first === "tests" && second !== undefined && parts.length === 2) {
    try {
      return { page: "test", id: decodeURIComponent(second) };
    } catch {
      return { page: "unknown" };
    }
  }
  if (parts.length > 1) return { page: "unknown" };
  switch (first) {
    case "new":
      return { page: "new", from: query.get("from") };
    case "drivers":
      return { page: "drivers" };
    case "compare":
      return { page: "compare", a: ids(query.get("a")), b: ids(query.get("b")) };
    default:
      return { page: "unknown" };
  }
}

/** The address of a page. */
export function address(to: Route): string {
  switch (to.page) {
    case "test":
      return `/tests/${encodeURIComponent(to.id)}`;
    case "new":
      return to.from === null ? "/new" : `/new?from=${encodeURIComponent(to.from)}`;
    case "drivers":
      return "/drivers";
    case "compare": {
      const side = (name: string, of: string[]) => (of.length > 0 ? [`${name}=${of.map(encodeURIComponent).join(",")}`] : []);
      const query = [...side("a", to.a), ...side("b", to.b)].join("&");
      return query === "" ? "/compare" : `/compare?${query}`;
    }
    default:
      return "/";
  }
}

/** Where the browser is. */
export const here = signal<Route>({ page: "tests" });

/** Goes to a page, or to an address within these pages; `replace`: without a step in the browser's history. */
export function go(to: Route | string, replace = false): void {
  const url = typeof to === "string" ? to : address(to);
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  here.value = route(location.pathname, location.search);
  if (!replace) scrollTo(0, 0);
}

/** Follows the browser's buttons, and links within these pages without loading them anew. */
export function follow(): void {
  const read = () => {
    here.value = route(location.pathname, location.search);
  };
  read();
  addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target !== "" || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.getAttribute("href")?.startsWith("#")) return;
    if (route(link.pathname, link.search).page === "unknown") return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
