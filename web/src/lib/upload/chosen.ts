/** Files that somebody dropped or chose, out of folders too, and which of them can be photos at all. */

export interface Chosen {
  file: File;
  /** With the folders it came from, such as "2024/Lisbon/IMG_1.HEIC". */
  path: string;
  /** With which the same file can be opened again after a reload, where the browser gives one. */
  handle?: FileSystemFileHandle;
}

const PICTURES =
  "jpg jpeg jpe jfif png webp gif tif tiff heic heif hif avif dng cr2 cr3 crw nef nrw arw sr2 raf orf rw2 pef srw 3fr iiq raw";
// Films are taken where they are the moving half of a Live Photo; the vault says which are not.
const FILMS = "mov";
const ENDINGS = new Set(`${PICTURES} ${FILMS}`.split(" "));

/** For a file input's `accept`: pickers on phones hide what does not match. */
export const ACCEPT = ["image/*", "video/quicktime", ...[...ENDINGS].map((ending) => `.${ending}`)].join(",");

/** Whether a file may be a photo, by its name and type: the vault looks into the file. */
export function mayBePhoto(file: Pick<File, "name" | "type">): boolean {
  const ending = /\.([^.]+)$/.exec(file.name)?.[1]?.toLowerCase();
  return (ending !== undefined && ENDINGS.has(ending)) || (file.type.startsWith("image/") && ending !== "svg");
}

/** Whether a file that is no photo is a film, by its name: whoever added it wonders less when told so. */
export const isFilm = (path: string): boolean => /\.(?:mp4|m4v|mov|avi|mkv|webm|3gp|mts|m2ts|mpe?g|wmv)$/i.test(path);

/** What systems leave in folders, and what is meant to be unseen. */
export function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini" || name === "__MACOSX";
}

/** Of an `<input type="file">`, with or without `webkitdirectory`. */
export function fromInput(files: Iterable<File>): Chosen[] {
  return [...files]
    .map((file) => ({ file, path: file.webkitRelativePath || file.name }))
    .filter(({ path }) => !path.split("/").some(isHidden));
}

/** Of a drop. What the browser gives has to be taken before the first wait, or it is gone. */
export async function fromDrop(transfer: DataTransfer): Promise<Chosen[]> {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const roots = items.map((item) => ({
    entry: item.webkitGetAsEntry?.() ?? null,
    file: item.getAsFile(),
    handle: handleOf(item),
  }));
  const found: Chosen[] = [];
  for (const { entry, file, handle } of roots) {
    if (entry?.isDirectory) await walk(entry as FileSystemDirectoryEntry, found);
    else if (file) {
      const kept = await handle.catch(() => null);
      found.push({ file, path: file.name, ...(kept?.kind === "file" ? { handle: kept as FileSystemFileHandle } : {}) });
    }
  }
  return found.filter(({ path }) => !path.split("/").some(isHidden));
}

function handleOf(item: DataTransferItem): Promise<FileSystemHandle | null> {
  const get = (item as { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> }).getAsFileSystemHandle;
  return get ? get.call(item) : Promise.resolve(null);
}

async function walk(folder: FileSystemDirectoryEntry, found: Chosen[]): Promise<void> {
  const reader = folder.createReader();
  for (;;) {
    // Browsers give a hundred at a time, and none when that was all.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const entry of entries) {
      if (isHidden(entry.name)) continue;
      if (entry.isDirectory) await walk(entry as FileSystemDirectoryEntry, found);
      else {
        const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
        found.push({ file, path: entry.fullPath.replace(/^\//, "") });
      }
    }
  }
}
