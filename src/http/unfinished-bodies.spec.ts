import { TooManyRequestsError } from '../security/too-many-requests';
import { UnfinishedBodies } from './unfinished-bodies';

describe('the memory of bodies', () => {
  it('is half of the limit for one lane, and all of it for all lanes', () => {
    const bodies = new UnfinishedBodies(100);
    bodies.open('a').growTo(30);
    bodies.open('a').growTo(20);
    expect(() => bodies.open('a').growTo(1)).toThrow(TooManyRequestsError);
    bodies.open('b').growTo(40);
    bodies.open('c').growTo(10);
    expect(() => bodies.open('d').growTo(1)).toThrow(TooManyRequestsError);
  });

  it('may be a single large body', () => {
    const bodies = new UnfinishedBodies(100);
    const large = bodies.open('a');
    large.growTo(60);
    large.growTo(90);
    expect(() => large.growTo(101)).toThrow(TooManyRequestsError);
    expect(() => bodies.open('a').growTo(5)).toThrow(TooManyRequestsError);
    bodies.open('b').growTo(10);
  });

  it('is free again after a release, and a refused body takes nothing', () => {
    const bodies = new UnfinishedBodies(100);
    const first = bodies.open('a');
    first.growTo(50);
    const refused = bodies.open('a');
    expect(() => refused.growTo(10)).toThrow(TooManyRequestsError);
    refused.release();
    first.release();
    first.release();
    bodies.open('a').growTo(100);
    expect(() => bodies.open('b').growTo(1)).toThrow(TooManyRequestsError);
  });
});
