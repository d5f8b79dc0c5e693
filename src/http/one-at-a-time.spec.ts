import { OneAtATime } from './one-at-a-time';

describe('one at a time', () => {
  it('keeps the order within a lane after a failure, and lanes do not wait for each other', async () => {
    const turns = new OneAtATime();
    const order: string[] = [];
    let finishFirst = () => {};
    const first = turns.run('a', async () => {
      order.push('a1 begins');
      await new Promise<void>((resolve) => (finishFirst = resolve));
      order.push('a1 ends');
      throw new Error('a1 failed');
    });
    const second = turns.run('a', async () => order.push('a2'));
    await turns.run('b', async () => order.push('b1'));
    finishFirst();
    await expect(first).rejects.toThrow('a1 failed');
    await second;
    await turns.run('a', async () => order.push('a3'));
    expect(order).toEqual(['a1 begins', 'b1', 'a1 ends', 'a2', 'a3']);
  });
});
