/**
 * The pages, by the first segment of their address. Each is a file of src/pages and is loaded when it is first gone to.
 * A page is given `place` (its address); one with `nav` is in the navigation, in this order.
 */
import type { Component } from "svelte";

import type { Place } from "./lib/router.svelte";
import type { IconName } from "./lib/ui/icons";

export interface PageProps {
  place: Place;
}

export interface Page {
  title: string;
  load: () => Promise<{ default: Component<PageProps> }>;
  nav?: { icon: IconName };
  /** What of its address makes it another view, which begins at its top; a photo that is looked at does not. */
  view?: (place: Place) => string | null;
}

const byId = ({ id }: Place): string | null => id;

export const PAGES: Readonly<Record<string, Page>> = {
  photos: { title: "Photos", nav: { icon: "photos" }, load: () => import("./pages/Photos.svelte") },
  people: { title: "People", nav: { icon: "people" }, view: byId, load: () => import("./pages/People.svelte") },
  albums: { title: "Albums", nav: { icon: "albums" }, view: byId, load: () => import("./pages/Albums.svelte") },
  map: {
    title: "Map",
    nav: { icon: "map" },
    view: ({ query }) => query.get("box"),
    load: () => import("./pages/Map.svelte"),
  },
  memories: {
    title: "Memories",
    nav: { icon: "memories" },
    view: ({ id, rest }) => (rest[0] === "photos" ? id : null),
    load: () => import("./pages/Memories.svelte"),
  },
  archive: { title: "Archive", nav: { icon: "archive" }, load: () => import("./pages/Archive.svelte") },
  trash: { title: "Trash", nav: { icon: "trash" }, load: () => import("./pages/Trash.svelte") },
  dashboard: { title: "Dashboard", nav: { icon: "dashboard" }, load: () => import("./pages/Dashboard.svelte") },
  settings: { title: "Settings", nav: { icon: "settings" }, load: () => import("./pages/Settings.svelte") },
  search: { title: "Search", view: ({ query }) => query.get("q"), load: () => import("./pages/Search.svelte") },
  copies: {
    title: "Copies and bursts",
    view: ({ query }) => query.get("kind"),
    load: () => import("./pages/Copies.svelte"),
  },
};
