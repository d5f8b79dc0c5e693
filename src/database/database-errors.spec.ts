import { type UniqueKey, violatedKey } from './database-errors';

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
  ])('says which one, as %s tells it', (_whose, error) => {
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
