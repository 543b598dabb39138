/** The browser's pickers of files and folders: AddPhotos brings them, and any page may have a button that opens one. */
type What = "files" | "folder";

let pickers: ((what: What) => void) | null = null;

/** Bring the pickers; the answer takes them away. */
export function offer(open: (what: What) => void): () => void {
  pickers = open;
  return () => {
    if (pickers === open) pickers = null;
  };
}

/** Let somebody choose. Only in answer to a click: browsers open no picker otherwise. */
export function choose(what: What): void {
  pickers?.(what);
}
