/** The post of a file to the storage, with its progress, which `fetch` does not tell. */
import { Problem, unreachable } from "../problems";

export interface Form {
  url: string;
  fields: Readonly<Record<string, string>>;
}

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
    const end = (settle: () => void): void => {
      signal.removeEventListener("abort", stop);
      settle();
    };
    request.upload.onprogress = ({ loaded }) => onSent(Math.min(loaded, file.size));
    request.onload = () =>
      end(() => (request.status >= 200 && request.status < 300 ? resolve() : reject(refusal(request.status))));
    request.onerror = () => end(() => reject(unreachable()));
    request.ontimeout = () => end(() => reject(unreachable()));
    request.onabort = () => end(() => reject(new DOMException("The upload was cancelled.", "AbortError")));
    request.open("POST", form.url);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    else request.send(body);
  });
}

function refusal(status: number): Problem {
  const said = status === 403 ? "The storage no longer takes this upload." : "The storage did not take this photo.";
  return new Problem(said, { status, kind: "storage" });
}
