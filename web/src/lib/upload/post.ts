/** The post of a file to the storage, with its progress, which `fetch` does not tell. */
import { Problem, unreachable } from "../problems";

export interface Form {
  url: string;
  fields: Readonly<Record<string, string>>;
}

/** Milliseconds without a byte gone or an answer, after which a connection is taken to be dead. */
const STALLED = 90_000;

/** Send the fields, and the file last. Throws `Problem` (403 where the form has expired), or `AbortError`. */
export function postForm(
  form: Form,
  file: Blob,
  { signal, onSent }: { signal: AbortSignal; onSent: (bytes: number) => void },
): Promise<void> {
  const body = new FormData();
  for (const [name, value] of Object.entries(form.fields)) body.append(name, value);
  body.append("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = (): void => request.abort();
    let watch: ReturnType<typeof setTimeout> | undefined;
    const end = (settle: () => void): void => {
      clearTimeout(watch);
      signal.removeEventListener("abort", stop);
      settle();
    };
    const alive = (): void => {
      clearTimeout(watch);
      watch = setTimeout(() => {
        request.onabort = () => end(() => reject(unreachable()));
        request.abort();
      }, STALLED);
    };
    request.upload.onprogress = ({ loaded }) => {
      alive();
      onSent(Math.min(loaded, file.size));
    };
    request.onload = () =>
      end(() => (request.status >= 200 && request.status < 300 ? resolve() : reject(refusal(request.status))));
    request.onerror = () => end(() => reject(unreachable()));
    request.ontimeout = () => end(() => reject(unreachable()));
    request.onabort = () => end(() => reject(new DOMException("The upload was cancelled.", "AbortError")));
    request.open("POST", form.url);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    else {
      alive();
      request.send(body);
    }
  });
}

function refusal(status: number): Problem {
  const said = status === 403 ? "The storage no longer takes this upload." : "The storage did not take this photo.";
  return new Problem(said, { status, kind: "storage" });
}
