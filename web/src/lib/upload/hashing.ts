/** Files are hashed by two workers, so that choosing a thousand photos does not stop the page. */

/** The file could not be read: it has changed, moved or gone since it was chosen. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

interface Waiting {
  worker: Worker;
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
      // It could not be loaded: the vault is away, or has another version of this page by now.
      worker.onerror = () => replace(worker);
      return worker;
    });
  }
  const id = next++;
  const worker = workers[id % WORKERS] as Worker;
  return new Promise((resolve, reject) => {
    waiting.set(id, { worker, resolve, reject });
    worker.postMessage({ id, file });
  });
}

/** Whoever waits for a worker that has died hears of it; the next file gets new ones. */
function replace(dead: Worker): void {
  for (const [id, asked] of waiting) {
    if (asked.worker !== dead) continue;
    waiting.delete(id);
    asked.reject(new Unreadable("The reader has died."));
  }
  workers = [];
}
