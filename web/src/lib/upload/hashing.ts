/** Files are hashed by two workers, so that choosing a thousand photos does not stop the page. */

/** The file could not be read: it has changed, moved or gone since it was chosen. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

interface Waiting {
  resolve: (sha256: string) => void;
  reject: (error: Unreadable) => void;
}

const WORKERS = 2;
let workers: Worker[] = [];
const waiting = new Map<number, Waiting>();
let next = 1;

/** SHA-256 of a file, in hex. Throws `Unreadable`. */
export function sha256(file: File): Promise<string> {
  if (workers.length === 0) {
    workers = Array.from({ length: WORKERS }, () => {
      const worker = new Worker(new URL("./hashing.worker.ts", import.meta.url), { type: "module" });
      worker.onmessage = ({ data }: MessageEvent<{ id: number; sha256?: string; error?: string }>) => {
        const asked = waiting.get(data.id);
        waiting.delete(data.id);
        if (data.sha256) asked?.resolve(data.sha256);
        else asked?.reject(new Unreadable(data.error));
      };
      return worker;
    });
  }
  const id = next++;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    workers[id % WORKERS]?.postMessage({ id, file });
  });
}
