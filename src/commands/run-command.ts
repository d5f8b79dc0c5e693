import type { Settings } from '../config/settings';
import { settingsWarnings } from '../config/settings-warnings';
import { runProgram } from '../program';

/** Runs a command. It has no log, so its warnings go to standard error too. */
export function runCommand(work: (settings: Settings) => void | Promise<void>): void {
  runProgram((settings) => {
    for (const warning of settingsWarnings(process.env)) console.error(warning);
    return work(settings);
  });
}
