/**
 * Where the parts of an export are written: into a folder that the person chose, where the browser lets a page do that;
 * else into this browser's own folder, from which they are handed to the downloads; else into memory.
 */

/** A chosen folder outlives a reload, and so does the browser's own; memory does not. */
export type Kind = "folder" | "private" | "memory";

type Chosen = FileSystemDirectoryHandle & {
  queryPermission?: (for_: { mode: "readwrite" }) => Promise<PermissionState>;
  requestPermission?: (for_: { mode: "readwrite" }) => Promise<PermissionState>;
};
type Picker = (options: { id: string; mode: "readwrite" }) => Promise<FileSystemDirectoryHandle>;

/** The browser's own folder; the session, which forgets what begins with "photovault-", forgets it too. */
const OWN = "photovault-export";
/** In bytes; memory and the browser's own folder have room for less. */
const MOST_IN_MEMORY = 500_000_000;
const MOST_IN_PRIVATE = 1_000_000_000;

/** What this browser lets a page do. */
export function kind(): Kind {
  if ("showDirectoryPicker" in window) return "folder";
  return "getDirectory" in (navigator.storage ?? {}) &&
    "createWritable" in (globalThis.FileSystemFileHandle?.prototype ?? {})
    ? "private"
    : "memory";
}

/** How large parts may become, of what somebody wishes: two parts can lie there at a time. */
export async function largest(kind: Kind, wished: number): Promise<number> {
  if (kind === "folder") return wished;
  if (kind === "memory") return Math.min(wished, MOST_IN_MEMORY);
  const { quota = MOST_IN_PRIVATE, usage = 0 } = await navigator.storage.estimate();
  return Math.min(wished, MOST_IN_PRIVATE, Math.max(1, Math.floor((quota - usage) / 3)));
}

/** Ask which folder; has to follow a press at once. */
export function choose(): Promise<FileSystemDirectoryHandle> {
  return (window as unknown as { showDirectoryPicker: Picker }).showDirectoryPicker({ id: OWN, mode: "readwrite" });
}

/** The browser's own folder, empty if it was not there. */
export async function own(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(OWN, { create: true });
}

export async function clearOwn(): Promise<void> {
  try {
    await (await navigator.storage.getDirectory()).removeEntry(OWN, { recursive: true });
  } catch {
    // There is none, or this browser has no such folders.
  }
}

/** Whether the page may write into a folder of an earlier day; asks the person, and has to follow a press at once. */
export async function mayWrite(folder: Chosen): Promise<boolean> {
  const wish = { mode: "readwrite" } as const;
  if (!folder.queryPermission || (await folder.queryPermission(wish)) === "granted") return true;
  return (await folder.requestPermission?.(wish)) === "granted";
}

/** `name`, or the first of "name (2)" and so on of which no part and no zip lies in the folder. */
export async function freeName(folder: FileSystemDirectoryHandle, name: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const tried = number === 1 ? name : `${name} (${number})`;
    const taken = [`${tried}.zip`, partName(tried, 1)].map((each) => isThere(folder, each));
    if (!(await Promise.all(taken)).includes(true)) return tried;
  }
}

export const partName = (name: string, number: number): string => `${name}-part-${number}.zip`;

async function isThere(folder: FileSystemDirectoryHandle, name: string): Promise<boolean> {
  try {
    await folder.getFileHandle(name);
    return true;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return false;
    throw error;
  }
}

/** A reload in the middle of a part leaves a file of its name behind in which is nothing. */
export async function removeEmpty(folder: FileSystemDirectoryHandle, name: string): Promise<void> {
  try {
    if ((await (await folder.getFileHandle(name)).getFile()).size === 0) await folder.removeEntry(name);
  } catch {
    // It is not there, or the page may not look any more.
  }
}

/** Write a file; it appears whole or, after an error or a reload, not at all. */
export async function write(
  folder: FileSystemDirectoryHandle | null,
  name: string,
  content: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<Blob> {
  if (!folder) return new Response(content).blob();
  const isNew = !(await isThere(folder, name));
  const handle = await folder.getFileHandle(name, { create: true });
  try {
    await content.pipeTo(await handle.createWritable(), { signal });
  } catch (error) {
    // An empty file of that name is there since the handle; what was there before stays as it was.
    if (isNew) await folder.removeEntry(name).catch(() => {});
    throw error;
  }
  return handle.getFile();
}
