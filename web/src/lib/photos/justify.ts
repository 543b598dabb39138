/**
 * Rows of pictures of equal height that fill the width, in order. Pure.
 *
 * A row is closed where its height comes closest to the one that is wanted. Pictures much wider or higher than others are
 * cropped to these bounds in the grid, so that none makes a row of its own or is a line.
 */
export const NARROWEST = 0.5;
export const WIDEST = 2.8;
/** Of photos that are not known yet: 4:3, with some upright ones among them. */
export const USUAL = 1.25;

export interface Row {
  /** The first picture's place, and the place after the last one's. */
  start: number;
  end: number;
  /** Of the row in pixels, and its distance from the first row's top. */
  height: number;
  top: number;
}

export interface Measures {
  /** Pixels. */
  width: number;
  height: number;
  gap: number;
}

export function bounded(ratio: number | null | undefined): number {
  return ratio && Number.isFinite(ratio) ? Math.min(WIDEST, Math.max(NARROWEST, ratio)) : USUAL;
}

/** The rows of pictures with these ratios of width to height, each within the bounds. */
export function justify(ratios: ArrayLike<number>, { width, height, gap }: Measures): Row[] {
  const rows: Row[] = [];
  let start = 0;
  let top = 0;
  let sum = 0;
  const close = (end: number, tall: number): void => {
    rows.push({ start, end, height: tall, top });
    top += tall + gap;
    start = end;
    sum = 0;
  };
  /** Of a row of `count` pictures whose ratios add up to `total`. */
  const heightOf = (total: number, count: number): number => Math.max(1, (width - gap * (count - 1)) / total);
  for (let at = 0; at < ratios.length; at += 1) {
    const ratio = ratios[at] as number;
    const count = at - start + 1;
    const tall = heightOf(sum + ratio, count);
    if (tall > height) {
      sum += ratio;
      continue;
    }
    // With this picture the row is low enough. Without it, it is higher than wanted: which is nearer?
    const without = count > 1 ? heightOf(sum, count - 1) : Infinity;
    if (without / height < height / tall) {
      close(at, without);
      sum = ratio;
      if (heightOf(ratio, 1) <= height) close(at + 1, heightOf(ratio, 1));
    } else {
      close(at + 1, tall);
    }
  }
  // What is left does not fill a row and is not blown up to do so, unless it nearly does.
  if (start < ratios.length) {
    const natural = heightOf(sum, ratios.length - start);
    close(ratios.length, natural < height * 1.15 ? natural : height);
  }
  return rows;
}

/** How wide pictures are in one row of the wanted height; infinite when that is wider than there is room for. */
export function inOneRow(ratios: ArrayLike<number>, { width, height, gap }: Measures): number {
  let wide = -gap;
  for (let at = 0; at < ratios.length && wide <= width; at += 1) wide += (ratios[at] as number) * height + gap;
  return wide <= width ? wide : Infinity;
}

/**
 * Sections side by side, as long as they fit: of each, pixels from the left, and whether it begins a line. `least` is the
 * room that a heading needs, `gap` what stands between two of them.
 */
export function sideBySide(
  widths: readonly number[],
  { width, gap, least }: { width: number; gap: number; least: number },
): { left: number; begins: boolean }[] {
  let end = Infinity;
  return widths.map((wide) => {
    const taken = Math.max(wide, least);
    const begins = end + gap + taken > width;
    const left = begins ? 0 : end + gap;
    end = left + taken;
    return { left, begins };
  });
}

/** Pixels from the first row's top to the last one's bottom. */
export function heightOfRows(rows: readonly Row[]): number {
  const last = rows.at(-1);
  return last ? last.top + last.height : 0;
}

/** The height of `count` pictures of the usual ratio, as `justify` would lay them out, without doing so. */
export function estimate(count: number, { width, height, gap }: Measures): number {
  if (count === 0) return 0;
  const few = justify(new Array<number>(Math.min(count, 64)).fill(USUAL), { width, height, gap });
  const first = few[0] as Row;
  const perRow = first.end - first.start;
  if (count <= 64) return heightOfRows(few);
  const rows = Math.ceil(count / perRow);
  const lone = heightOfRows(
    justify(new Array<number>(count - (rows - 1) * perRow).fill(USUAL), { width, height, gap }),
  );
  return (rows - 1) * (first.height + gap) + lone;
}

/** The rows that touch the pixels from `from` to `to`: the first one's place and the place after the last one's. */
export function rowsBetween(rows: readonly Row[], from: number, to: number): [number, number] {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle] as Row;
    if (row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < rows.length && (rows[end] as Row).top <= to) end += 1;
  return [low, end];
}
