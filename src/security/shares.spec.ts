import { Shares } from './shares';
import { TooManyRequestsError } from './too-many-requests';

const MOST_WAITING = 512;

describe('the share of a lane', () => {
  it('admits as many as it has places, and the others in the order in which they came', () => {
    const shares = new Shares(2);
    const places = [1, 2, 3, 4].map(() => shares.enter('acme'));
    const admitted = () => places.map(({ isAdmitted }) => isAdmitted);
    expect(admitted()).toEqual([true, true, false, false]);
    places[1]!.leave();
    expect(admitted()).toEqual([true, false, true, false]);
    places[0]!.leave();
    expect(admitted()).toEqual([false, false, true, true]);
  });

  it('is separate for each lane', () => {
    const shares = new Shares(1);
    shares.enter('acme');
    expect(shares.enter('acme').isAdmitted).toBe(false);
    expect(shares.enter('umbrella').isAdmitted).toBe(true);
  });

  it('skips a request that stopped waiting', () => {
    const shares = new Shares(1);
    const [first, second, third] = [shares.enter('acme'), shares.enter('acme'), shares.enter('acme')];
    second.leave();
    first.leave();
    expect(third.isAdmitted).toBe(true);
  });

  it('is given back once, however often a request leaves', () => {
    const shares = new Shares(1);
    const first = shares.enter('acme');
    const second = shares.enter('acme');
    const third = shares.enter('acme');
    first.leave();
    first.leave();
    expect([second.isAdmitted, third.isAdmitted]).toEqual([true, false]);
  });

  it('refuses a request when 512 of its lane are waiting, and none of another lane', () => {
    const shares = new Shares(1);
    const first = shares.enter('acme');
    const waiting = Array.from({ length: MOST_WAITING }, () => shares.enter('acme'));
    expect(() => shares.enter('acme')).toThrow(TooManyRequestsError);
    expect(shares.enter('umbrella').isAdmitted).toBe(true);
    first.leave();
    expect(waiting[0]!.isAdmitted).toBe(true);
    expect(shares.enter('acme').isAdmitted).toBe(false);
  });

  it('is free again when all have left', () => {
    const shares = new Shares(1);
    shares.enter('acme').leave();
    expect(shares.enter('acme').isAdmitted).toBe(true);
  });
});
