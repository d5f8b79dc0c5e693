import { stripVTControlCharacters } from 'node:util';
import { pino } from 'pino';
import { terminalLine } from './terminal-log';

describe('a line of the log at a terminal', () => {
  const shown = (write: (log: ReturnType<typeof pino>) => void) => {
    let text = '';
    write(
      pino({ base: null, level: 'trace' }, { write: (json: string) => void (text += terminalLine(json)) }),
    );
    return stripVTControlCharacters(text).replace(/^\d\d:\d\d:\d\d /gm, '');
  };

  it('holds level, context, message and fields', () => {
    expect(
      shown((log) => {
        log.info({ address: 'http://127.0.0.1:3000' }, 'Scimify listens');
        log.warn({ context: 'Database', ms: 12, statement: 'SELECT 1', lane: undefined }, 'Slow');
      }),
    ).toBe(
      'info  Scimify listens address=http://127.0.0.1:3000\nwarn  Database: Slow ms=12 statement="SELECT 1"\n',
    );
  });

  it('has the stack of an error and of its cause below it', () => {
    const text = shown((log) =>
      log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'It failed'),
    );
    expect(text).toMatch(
      /^error It failed\n {2}Error: outer\n {6}at [^]*\n {2}caused by: Error: inner\n {6}at /,
    );
  });

  it('escapes control characters that come from outside', () => {
    const control = '\u001b[2J\r\n\u009b31m';
    const text = shown((log) =>
      log.info({ context: control, path: control, err: new Error(control) }, control),
    );
    expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    expect(text).toContain('\\x1b[2J\\x0d\\x0a\\x9b31m');
  });
});
