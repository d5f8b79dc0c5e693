import type { Transaction } from '../../database/transaction-runner';
import type { OpenItem, OpenPeople } from './group-state';
import type { ParkedKind } from './parked-member.entity';

/** The earliest of the open additions and removals of one kind, and how many there are. */
export async function openPeople(
  tx: Transaction,
  remoteGroupId: string,
  kind: ParkedKind,
): Promise<OpenPeople | null> {
  const first = async (table: string): Promise<OpenItem | null> => {
    const [row] = await tx.query<OpenItem>(
      `SELECT reason, message, nextAttemptAt FROM ${table}
       WHERE remoteGroupId = ? AND kind = ? ORDER BY nextAttemptAt LIMIT 1`,
      [remoteGroupId, kind],
    );
    return row ? { ...row, nextAttemptAt: Number(row.nextAttemptAt) } : null;
  };
  const item = earlier(await first('parked_member'), await first('remote_member'));
  if (!item) return null;
  const [row] = await tx.query<{ people: number }>(
    `SELECT (SELECT COUNT(*) FROM parked_member WHERE remoteGroupId = ? AND kind = ?)
          + (SELECT COUNT(*) FROM remote_member WHERE remoteGroupId = ? AND kind = ?) AS people`,
    [remoteGroupId, kind, remoteGroupId, kind],
  );
  return { ...item, people: Number(row!.people) };
}

function earlier(a: OpenItem | null, b: OpenItem | null): OpenItem | null {
  if (!a || !b) return a ?? b;
  return a.nextAttemptAt <= b.nextAttemptAt ? a : b;
}
