/**
 * Tables of categories, each a number of 32 bits. A field of the whole file has up to ten million of them, of which a
 * `Map` would take ten times the memory.
 */

/** Murmur3's last step (Appleby), which spreads close numbers over all 32 bits. */
export function mixed(value: number): number {
  let bits = value >>> 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** Whole numbers above 0 by value: open addressing with linear probing, at most half full. */
export class ValueTable {
  /** Values that it has. */
  size = 0;
  #values = new Uint32Array(1 << 10);
  #numbers = new Uint32Array(1 << 10);

  /** 0 of a value that it has not. */
  get(value: number): number {
    return this.#numbers[this.#placeOf(value)] as number;
  }

  /** @param number above 0 */
  set(value: number, number: number): void {
    this.#put(this.#placeOf(value), value, number);
  }

  /** One more of a value, from 0. */
  increment(value: number): void {
    const place = this.#placeOf(value);
    this.#put(place, value, (this.#numbers[place] as number) + 1);
  }

  /** In no order. */
  forEach(visit: (value: number, number: number) => void): void {
    this.#numbers.forEach((number, place) => {
      if (number > 0) visit(this.#values[place] as number, number);
    });
  }

  #put(place: number, value: number, number: number): void {
    if (this.#numbers[place] === 0) this.size += 1;
    this.#values[place] = value;
    this.#numbers[place] = number;
    if (2 * this.size > this.#values.length) this.#grow();
  }

  #placeOf(value: number): number {
    const last = this.#values.length - 1;
    let place = mixed(value) & last;
    while (this.#numbers[place] !== 0 && this.#values[place] !== value) place = (place + 1) & last;
    return place;
  }

  #grow(): void {
    const [values, numbers] = [this.#values, this.#numbers];
    this.#values = new Uint32Array(2 * values.length);
    this.#numbers = new Uint32Array(2 * values.length);
    numbers.forEach((number, i) => {
      if (number === 0) return;
      const place = this.#placeOf(values[i] as number);
      this.#values[place] = values[i] as number;
      this.#numbers[place] = number;
    });
  }
}

/**
 * The values that stand there so often, the most frequent first, and those of one count by their size.
 *
 * @param counts how often each does
 */
export function frequentValues(counts: ValueTable, minimumCount: number): Uint32Array {
  let kept = 0;
  counts.forEach((_, count) => (kept += Number(count >= minimumCount)));
  const values = new Uint32Array(kept);
  let at = 0;
  counts.forEach((value, count) => {
    if (count >= minimumCount) values[at++] = value;
  });
  return values.sort((a, b) => counts.get(b) - counts.get(a) || a - b);
}
