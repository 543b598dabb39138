import { describe, expect, it } from "vitest";

import { between, difference, impossible, joined, OFFSETS, position, shifted } from "./correcting";

describe("a time", () => {
  it("is a day and a clock's time together", () => {
    expect(joined("2025-05-14", "09:12")).toBe("2025-05-14T09:12:00");
    expect(joined("2025-05-14", "09:12:33")).toBe("2025-05-14T09:12:33");
    expect([joined("", "09:12"), joined("2025-05-14", ""), joined("2025-02-31", "9")]).toEqual([null, null, null]);
  });

  it("is shifted over days, years and leap days", () => {
    expect(shifted("2024-02-28T23:30:00", 3600)).toBe("2024-02-29T00:30:00");
    expect(shifted("2025-01-01T00:00:00.500", -1)).toBe("2024-12-31T23:59:59");
    expect(shifted("2025-01-01T00:00:00", 1e15)).toBeNull();
    expect(between("2025-03-30T01:00:00", "2025-03-30T04:00:00")).toBe(3 * 3600);
  });

  it("lies between the first photograph and tomorrow", () => {
    const now = new Date("2025-05-14T12:00:00Z");
    expect(impossible("1825-12-31T23:59:59", now)).toContain("not that old");
    expect(impossible("2025-05-15T14:00:00", now)).toContain("not come yet");
    expect(impossible("2025-05-15T11:00:00", now)).toBeNull();
  });

  it("differs from another in words", () => {
    expect(difference(0)).toBe("no change");
    expect(difference(3600)).toBe("1 hour later");
    expect(difference(-(86_400 + 7200 + 60))).toBe("1 day, 2 hours and 1 minute earlier");
  });

  it("has an offset that some clock has", () => {
    expect(OFFSETS[0]).toBe("-12:00");
    expect(OFFSETS.at(-1)).toBe("+14:00");
    expect(OFFSETS).toContain("+05:45");
    expect(new Set(OFFSETS).size).toBe(OFFSETS.length);
  });
});

describe("a position", () => {
  const lisbon = { lat: 38.71, lon: -9.14 };

  it.each([
    "38.71, -9.14",
    " 38.71 -9.14 ",
    "(38.71,-9.14)",
    "38.71;\u22129.14",
    "geo:38.71,-9.14",
    "38.71° N, 9.14° W",
    "N 38.71 W 9.14",
    "38°42'36\"N 9°8'24\"W",
    "38° 42′ 36″ N, 9° 8′ 24″ W",
    "https://www.google.com/maps/place/Lisbon/@38.71,-9.14,12z/data=x",
    "https://www.google.com/maps?q=38.71,-9.14",
    "https://www.openstreetmap.org/#map=12/38.71/-9.14",
    "https://maps.apple.com/?ll=38.71,-9.14&z=12",
  ])("is read from %s", (text) => {
    const found = position(text);
    expect(found).toMatchObject({ lat: expect.closeTo(lisbon.lat, 6), lon: expect.closeTo(lisbon.lon, 6) });
  });

  it.each(["", "Lisbon", "38.71", "12, Main Street", "38.71, -9.14, 3", "https://example.com/38"])(
    "is none in %s",
    (text) => expect(position(text)).toBeNull(),
  );

  it.each(["91, 0", "0, 181", "0, 0", "95° N 3° E"])("is beyond the earth in %s", (text) =>
    expect(position(text)).toBe("beyond"),
  );
});
