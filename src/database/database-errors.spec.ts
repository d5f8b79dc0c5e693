import { type UniqueKey, isOutOfSpace, violatedKey } from './database-errors';

const NAME: UniqueKey = {
  table: 'scim_user',
  index: 'scim_user_name',
  columns: ['integrationId', 'userNameKey'],
};
const OTHER: UniqueKey = {
  table: 'scim_user',
  index: 'scim_user_integration',
  columns: ['integrationId', 'id'],
};

describe('a write that was refused for a unique key', () => {
  it.each([
    [
      'SQLite',
      { errcode: 2067, message: 'UNIQUE constraint failed: scim_user.integrationId, scim_user.userNameKey' },
    ],
    ['MariaDB', { errno: 1062, message: "Duplicate entry '1-ada' for key 'scim_user_name'" }],
    ['MySQL', { errno: 1062, message: "Duplicate entry '1-ada' for key 'scim_user.scim_user_name'" }],
    [
      'a value that names another key',
      { errno: 1062, message: "Duplicate entry 'x' for key 'y'' for key 'scim_user_name'" },
    ],
  ])('names the key in an error of %s', (_whose, error) => {
    expect(violatedKey(error, [OTHER, NAME])).toBe(NAME);
  });

  it.each([
    ['another key', { errno: 1062, message: "Duplicate entry '1-2' for key 'PRIMARY'" }],
    ['another key of SQLite', { errcode: 1555, message: 'UNIQUE constraint failed: scim_user.id' }],
    ['another error', { errno: 1213, message: "Deadlock found for key 'scim_user_name'" }],
    ['no error of a database', new Error("for key 'scim_user_name'")],
  ])('is not taken for a known one: %s', (_what, error) => {
    expect(violatedKey(error, [NAME])).toBeNull();
  });
});

describe('a write without space', () => {
  it.each([
    ['SQLite', { errcode: 13, message: 'database or disk is full' }],
    ['the shared memory of SQLite', { errcode: 4874, message: 'disk I/O error' }],
    [
      'a full disk under MySQL',
      { errno: 1021, message: 'Disk full (/tmp/#sql); waiting for someone to free some space' },
    ],
    ['a full table', { errno: 1114, message: "The table 'scim_user' is full" }],
    [
      'a file of MariaDB',
      { errno: 1026, message: 'Error writing file \'./x.ibd\' (errno: 28 "No space left on device")' },
    ],
    [
      'a file of MySQL',
      { errno: 3, message: "Error writing file '/tmp/MY' (OS errno 28 - No space left on device)" },
    ],
    ['the system', { code: 'ENOSPC', message: 'ENOSPC: no space left on device, fdatasync' }],
    ['a quota of the system', { code: 'EDQUOT', message: 'EDQUOT: disk quota exceeded, fdatasync' }],
  ])('is recognised in an error of %s', (_whose, error) => {
    expect(isOutOfSpace(error)).toBe(true);
  });

  it.each([
    ['a key that is taken', { errcode: 2067, message: 'UNIQUE constraint failed: scim_user.id' }],
    ['a broken disk', { errcode: 778, message: 'disk I/O error' }],
    ['a deadlock', { errno: 1213, message: 'Deadlock found' }],
    ['a value of a client', { errno: 1062, message: "Duplicate entry 'errno 280' for key 'PRIMARY'" }],
  ])('is not taken for one: %s', (_what, error) => {
    expect(isOutOfSpace(error)).toBe(false);
  });
});
