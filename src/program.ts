import { type Settings, readSettings } from './config/settings';
import { settingsWarnings } from './config/settings-warnings';
import { describeFailure } from './failed-start';

/** Exit code 1 and a sentence on standard error, if the settings are wrong or the work fails. */
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

/** A program that has no log: what is to be warned of stands on standard error too. */
export function runCommand(work: (settings: Settings) => void | Promise<void>): void {
  runProgram((settings) => {
    for (const warning of settingsWarnings(process.env)) console.error(warning);
    return work(settings);
  });
}
