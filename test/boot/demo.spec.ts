import { execFile } from 'node:child_process';
import { join } from 'node:path';

// The session takes about ten seconds on an idle machine.
jest.setTimeout(180_000);

const ROOT = join(__dirname, '../..');

/** Runs the demo as `npm run demo -- …` does. */
const demo = (...options: string[]) =>
  new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      ['bin/run.js', 'demo/main.js', ...options],
      { cwd: ROOT, timeout: 150_000 },
      (_, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });

describe('the demo', () => {
  it('tells with --help what there is to choose, and starts nothing', async () => {
    const { status, stdout, stderr } = await demo('--help');
    expect([status, stderr]).toEqual([0, '']);
    for (const option of ['--auth', '--exit', '--help']) expect(stdout).toContain(option);
    expect(stdout).not.toContain('http://');
    expect((await demo('-h')).stdout).toBe(stdout);
  });

  it('refuses an option that it does not know, with all that it knows', async () => {
    const { status, stdout, stderr } = await demo('--colour');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('--colour');
    expect(stderr).toContain('--help');
  });

  it('says first what it will show, shows a plan, a drift and a held change too, and repeats nothing', async () => {
    const { status, stdout, stderr } = await demo('--exit');
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    const announced = lines.filter((line) => /^ +\d+\. /.test(line)).map((line) => line.trim());
    const chapters = lines.filter((line) => /^\d+\. /.test(line));
    expect(announced.length).toBeGreaterThan(5);
    expect(announced).toEqual(chapters);
    expect(lines.findIndex((line) => line.includes(announced.at(-1)!))).toBeLessThan(
      lines.indexOf(chapters[0]!),
    );

    for (const shown of [
      'plan: create Platform On-call with ada@acme.example',
      'plan: adopt Web On-call',
      'member_missing: ',
      'member_extra: ',
      'held: The identity provider removes most members from "Payments Reliability"',
      'PagerDuty is back after',
      'all teams, groups and members are exactly as expected',
    ]) {
      expect(stdout).toContain(shown);
    }
    // The demo has seven people and three groups, and shows the look-up and creation of one each.
    const shown = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length;
    expect(shown(/POST {2}\/Users /)).toBe(1);
    expect(shown(/POST {2}\/Groups /)).toBe(1);
    expect(shown(/more requests like these/)).toBe(2);
    expect(lines.length).toBeLessThan(100);
  });
});
