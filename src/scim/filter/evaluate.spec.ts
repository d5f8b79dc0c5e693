import { ScimError } from '../messages/scim-error';
import type { ScimResource } from '../schema/json';
import { USER } from '../schema/registry';
import { bindFilter } from './bind';
import { matches } from './evaluate';
import { parseFilter } from './parser';

const ADA: ScimResource = {
  schemas: [
    'urn:ietf:params:scim:schemas:core:2.0:User',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  ],
  id: '2819c223-7f76-453a-919d-413861904646',
  externalId: 'Ada-1',
  userName: 'Ada@Example.com',
  name: { familyName: 'Byron', givenName: 'Ada' },
  nickName: '',
  userType: 'Employee',
  active: true,
  emails: [
    { value: 'ada@example.com', type: 'work', primary: true },
    { value: 'Ada@home.example', type: 'home' },
    { value: 'ada@nowhere.example' },
  ],
  x509Certificates: [{ value: 'MIIB' }],
  'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': {
    department: 'Straße',
    manager: { value: 'boss' },
  },
  meta: { resourceType: 'User', created: '2011-05-13T04:42:34Z', lastModified: '2011-05-13T04:42:34.500Z' },
};
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

function holds(filter: string, resource = ADA): boolean {
  return matches(bindFilter(USER, parseFilter(filter)), resource);
}

describe('a filter on a resource', () => {
  it.each([
    // Case depends on caseExact.
    ['userName eq "ada@example.COM"', true],
    ['USERNAME EQ "ada@example.com"', true],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ada@example.com"', true],
    ['URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:USERNAME eq "ada@example.com"', true],
    ['externalId eq "Ada-1"', true],
    ['externalId eq "ada-1"', false],
    ['id eq "2819C223-7f76-453a-919d-413861904646"', false],
    // Text.
    ['userName co "EXAMPLE"', true],
    ['userName sw "ada@"', true],
    ['userName ew ".com"', true],
    ['userName ew ".org"', false],
    ['userName co ""', true],
    ['title co ""', false],
    ['userName gt "ad"', true],
    ['userName ge "ada@example.com"', true],
    ['userName lt "ada@example.com"', false],
    ['userName le "ADA@EXAMPLE.COM"', true],
    ['name.familyName eq "byron"', true],
    // Multi-valued: any value; without sub-attribute, the value itself.
    ['emails co "home.EXAMPLE"', true],
    ['emails.value eq "ada@home.example"', true],
    ['emails.type eq "other"', false],
    ['emails.type ne "work"', true],
    ['emails.primary eq true', true],
    ['emails[type eq "work" and value co "@example.com"]', true],
    ['emails[type eq "home" and value co "@example.com"]', false],
    ['emails[type eq "work"].value eq "ada@example.com"', true],
    ['emails[type eq "home"].value eq "ada@example.com"', false],
    ['emails[not (type pr)]', true],
    ['emails[primary eq "True"]', true],
    ['emails[nothing eq "x"]', false],
    ['emails.type eq null', true],
    ['schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"', true],
    // Extensions.
    [`${ENTERPRISE}:department sw "STRA"`, true],
    [`${ENTERPRISE}:manager eq "boss"`, true],
    [`${ENTERPRISE}:manager.value eq "Boss"`, false],
    [`${ENTERPRISE} pr`, true],
    [`${ENTERPRISE}:manager.displayName pr`, false],
    // Booleans, also as strings.
    ['active eq true', true],
    ['active eq "True"', true],
    ['active ne false', true],
    // Instants.
    ['meta.created eq "2011-05-13T06:42:34+02:00"', true],
    ['meta.created eq "2011-05-13T04:42:34.000Z"', true],
    ['meta.lastModified gt "2011-05-13T04:42:34Z"', true],
    ['meta.lastModified le "2011-05-13T04:42:34.499Z"', false],
    ['meta.created sw "2011-05"', true],
    // No value.
    ['title pr', false],
    ['title eq "x"', false],
    ['title ne "x"', true],
    ['title eq null', true],
    ['title ne null', false],
    ['title gt "a"', false],
    ['userName eq null', false],
    ['userName ne null', true],
    ['nickName pr', false],
    ['nickName eq ""', true],
    ['nickName eq null', false],
    ['name pr', true],
    ['addresses pr', false],
    ['emails pr', true],
    ['phoneNumbers.type ne "work"', true],
    ['phoneNumbers[type ne "work"]', false],
    // Attributes that do not exist have no value (RFC 7644 §3.4.2.1).
    ['shoeSize eq 44', false],
    ['shoeSize pr', false],
    ['shoeSize ne 44', true],
    ['shoeSize eq null', true],
    ['urn:example:foo:bar eq "x"', false],
    ['shoes[size eq 44]', false],
    ['password eq "secret"', false],
    // Logic.
    ['title pr or userType eq "employee"', true],
    ['title pr and userType eq "employee"', false],
    ['not (title pr) and (active eq false or userName sw "a")', true],
  ])('%s is %s', (filter, expected) => {
    expect(holds(filter)).toBe(expected);
  });

  it('orders text by code point, not by UTF-16 unit', () => {
    expect(holds('displayName gt "\uff5e"', { ...ADA, displayName: '\u{1f600}' })).toBe(true);
  });

  it('compares composed and decomposed characters as equal', () => {
    expect(holds('displayName eq "e\u0301TE\u0301"', { ...ADA, displayName: '\u00e9t\u00e9' })).toBe(true);
  });

  it.each([
    ['active gt true', 'boolean'],
    ['active co "t"', 'boolean'],
    ['active eq "maybe"', 'true or false'],
    ['x509Certificates.value gt "a"', 'binary'],
    ['userName eq 5', 'a string'],
    ['userName eq true', 'a string'],
    ['userName gt null', 'null'],
    ['meta.created gt "yesterday"', 'a date and time'],
    ['meta.created eq "2011-02-30T00:00:00Z"', 'a date and time'],
    ['name eq "Ada"', 'familyName'],
    ['userName[value eq "x"]', 'brackets'],
  ])('%s is refused: %s', (filter, reason) => {
    const error = (() => {
      try {
        holds(filter);
      } catch (thrown) {
        return thrown as ScimError;
      }
      return undefined;
    })();
    expect(error).toBeInstanceOf(ScimError);
    expect(error).toMatchObject({ status: 400, scimType: 'invalidFilter' });
    expect(error?.detail).toContain(reason);
    expect(error?.detail).toContain('at position 1');
  });
});
