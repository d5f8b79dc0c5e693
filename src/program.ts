import { type Settings, readSettings } from './config/settings';
import { describeFailure } from './failed-start';

/** Runs the work. Wrong settings and failures give one sentence on standard error and exit code 1. */
export function runProgram(work: (settings: Settings) => void | Promise<void>): void {
  let settings: Settings | null = null;
  const run = async () => {
    settings = readSettings(process.env);
    await work(settings);
  };
  run().catch((error: unknown) => {
    console.error(describeFailure(error, settings));
    process.exit(1);
  });
}
