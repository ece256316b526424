/** Channels that can only go together, as those of the tensors that are added: disjoint sets. */
export class Groups {
  readonly #parents: Int32Array;

  constructor(channels: number) {
    this.#parents = Int32Array.from({ length: channels }, (_, channel) => channel);
  }

  /** The channel that stands for its group. */
  of(channel: number): number {
    const parents = this.#parents;
    let root = channel;
    while (parents[root] !== root) root = parents[root]!;
    while (parents[channel] !== root) [parents[channel], channel] = [root, parents[channel]!];
    return root;
  }

  join(one: number, other: number): void {
    // The earlier stands for both.
    const [first, second] = [this.of(one), this.of(other)].sort((a, b) => a - b);
    this.#parents[second!] = first!;
  }
}
