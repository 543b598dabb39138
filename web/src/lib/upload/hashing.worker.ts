/** SHA-256 of whole files, off the page's thread: `{ id, file }` in, `{ id, sha256 }` or `{ id, error }` out. */
self.onmessage = async ({ data: { id, file } }: MessageEvent<{ id: number; file: File }>) => {
  try {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    self.postMessage({ id, sha256: [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("") });
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
};
