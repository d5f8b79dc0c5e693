import { TransactionRunner } from '../../src/database/transaction-runner';
import { dialect } from '../../src/database/dialect';
import { Scimify, WITHOUT_GUARD } from '../support/scimify';
import { waitFor } from '../support/wait';
import { letTimePass } from './support/passing-time';

const MINUTE = 60_000;
const email = (name: string) => `${name}@example.com`;

describe('a run that is cut off before it says when the next one is due', () => {
  let scimify: Scimify;
  afterEach(() => scimify.stop());

  const sql = (statement: string) =>
    scimify.app.get(TransactionRunner).run(async (tx) => void (await tx.query(statement)));

  /** From now on no run stores a later due time or a `notBefore`, as if the process had been killed before. */
  const cutOffEnds = (): Promise<void> => {
    const isEnd = `NEW.notBefore IS NOT NULL OR NEW.dueAt > ${Date.now() + MINUTE}`;
    return sql(
      dialect === 'sqlite'
        ? `CREATE TRIGGER cut_off BEFORE UPDATE ON integration_work WHEN ${isEnd}
           BEGIN SELECT RAISE(ABORT, 'cut off'); END`
        : `CREATE TRIGGER cut_off BEFORE UPDATE ON integration_work FOR EACH ROW
           IF ${isEnd} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'cut off'; END IF`,
    );
  };

  it('is followed by one that does what has come due meanwhile', async () => {
    scimify = await Scimify.start();
    const integration = await scimify.createIntegration({ authMethod: 'api_key', policies: WITHOUT_GUARD });
    scimify.pagerDuty.addUser({ email: email('ada') });
    const users = await integration.scim.createUsers([email('ada'), email('cy')]);
    // The first run, which finds no work yet.
    await letTimePass(scimify, 0);
    await cutOffEnds();
    const group = await integration.scim.createGroup('On-call', users);
    await scimify.settled(integration, ['partial']);
    await scimify.restart();
    await sql('DROP TRIGGER cut_off');
    expect(
      (await scimify.members(integration, group)).find(({ userName }) => userName === email('cy')),
    ).toMatchObject({ state: 'pending', reason: 'user_not_found' });
    scimify.pagerDuty.addUser({ email: email('cy') });
    await letTimePass(scimify, 6 * MINUTE);
    await waitFor(
      'cy to join',
      () => scimify.teams()['On-call']!,
      (emails) => emails.includes(email('cy')),
    );
  });
});
