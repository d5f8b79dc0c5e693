import { type Waiting, WriterLanes } from './writer-lanes';

interface Named extends Waiting {
  name: string;
}

const small = (name: string, since = 0): Named => ({ name, big: false, since });
const big = (name: string, since = 0): Named => ({ name, big: true, since });

describe('the lanes of the writer', () => {
  let lanes: WriterLanes<Named>;

  beforeEach(() => (lanes = new WriterLanes()));

  /** The order in which all waiting work is done, each piece taking that long. */
  const drained = (now: number, ms: (name: string) => number = () => 1): string[] => {
    const order: string[] = [];
    for (let next = lanes.next(now, false); next; next = lanes.next(now, false)) {
      order.push(next.work.name);
      lanes.charge(next.lane, ms(next.work.name));
    }
    return order;
  };

  it('choose the lane that has held the writer for the least time', () => {
    for (const name of ['a1', 'a2', 'a3']) lanes.enter('a', small(name));
    for (const name of ['b1', 'b2', 'b3']) lanes.enter('b', small(name));
    expect(drained(0, (name) => (name.startsWith('a') ? 10 : 3))).toEqual([
      'a1',
      'b1',
      'b2',
      'b3',
      'a2',
      'a3',
    ]);
  });

  it('save up no time for an idle lane', () => {
    for (let work = 0; work < 4; work++) lanes.enter('busy', small(`busy${work}`));
    for (const _ of [0, 1]) lanes.charge(lanes.next(0, false)!.lane, 100);
    for (let work = 0; work < 3; work++) lanes.enter('idle', small(`idle${work}`));
    expect(drained(0, () => 100)).toEqual(['busy2', 'idle0', 'busy3', 'idle1', 'idle2']);
  });

  it('forget a debt when no lane waits, and limit its size', () => {
    lanes.enter('a', big('a'));
    lanes.charge(lanes.next(0, false)!.lane, 60_000);
    lanes.enter('b', small('b1'));
    lanes.enter('b', small('b2'));
    lanes.enter('a', small('a'));
    // Of the minute one second still counts against the lane.
    expect(drained(0, () => 1_500)).toEqual(['b1', 'a', 'b2']);
  });

  it('let small work go before big work, for a second', () => {
    lanes.enter('a', big('big'));
    lanes.enter('b', small('b1'));
    expect(lanes.next(500, false)!.work.name).toBe('b1');
    lanes.enter('b', small('b2'));
    expect(lanes.next(1_500, false)!.work.name).toBe('big');
  });

  it('allow no big work in a shared transaction', () => {
    lanes.enter('a', big('big'));
    expect(lanes.next(9_000, true)).toBeNull();
    expect(lanes.isEmpty).toBe(false);
  });

  it('remove work that stopped waiting', () => {
    const work = small('a');
    lanes.enter('a', work);
    lanes.leave('a', work);
    expect(lanes.isEmpty).toBe(true);
    expect(lanes.next(0, false)).toBeNull();
  });
});
