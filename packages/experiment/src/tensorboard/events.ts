/**
 * Events as TensorBoard reads them: the few fields that scalars need of TensorFlow's `event.proto` and `summary.proto`.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export interface Event {
  /** In seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
  /** By their tags. */
  readonly scalars: Readonly<Record<string, number>>;
}

/** The fields' numbers. */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2 } as const;

/** The first event of a file. */
export function versionEvent(wallTime: number): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  writer.tag(EVENT.fileVersion, WireType.LengthDelimited).string('brain.Event:2');
  return writer.finish();
}

export function encodeEvent({ wallTime, step, scalars }: Event): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(EVENT.wallTime, WireType.Bit64).double(wallTime);
  writer.tag(EVENT.step, WireType.Varint).int64(step);
  writer.tag(EVENT.summary, WireType.LengthDelimited).fork();
  for (const [tag, value] of Object.entries(scalars)) {
    writer.tag(SUMMARY.value, WireType.LengthDelimited).fork();
    writer.tag(VALUE.tag, WireType.LengthDelimited).string(tag);
    writer.tag(VALUE.simpleValue, WireType.Bit32).float(value);
    writer.join();
  }
  writer.join();
  return writer.finish();
}

/**
 * @returns without scalars for what has none, such as the first event of a file
 * @throws Error for what is no message of protocol buffers
 */
export function decodeEvent(bytes: Uint8Array): Event {
  const scalars: Record<string, number> = {};
  const event = { wallTime: 0, step: 0, scalars };
  eachField(new BinaryReader(bytes), bytes.length, (field, reader, wire) => {
    if (field === EVENT.wallTime) event.wallTime = reader.double();
    else if (field === EVENT.step) event.step = Number(reader.int64());
    else if (field === EVENT.summary) readSummary(reader, scalars);
    else reader.skip(wire);
  });
  return event;
}

function readSummary(reader: BinaryReader, scalars: Record<string, number>): void {
  eachField(reader, endOf(reader), (field, _, wire) => {
    if (field !== SUMMARY.value) return void reader.skip(wire);
    let [tag, value] = ['', 0];
    eachField(reader, endOf(reader), (field, _, wire) => {
      if (field === VALUE.tag) tag = reader.string();
      else if (field === VALUE.simpleValue) value = reader.float();
      else reader.skip(wire);
    });
    scalars[tag] = value;
  });
}

function endOf(reader: BinaryReader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

function eachField(
  reader: BinaryReader,
  end: number,
  take: (field: number, reader: BinaryReader, wire: WireType) => void,
): void {
  while (reader.pos < end) {
    const [field, wire] = reader.tag();
    take(field, reader, wire);
  }
}
