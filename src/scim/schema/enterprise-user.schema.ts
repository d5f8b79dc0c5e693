import { attribute, type Schema } from './attribute';

/** RFC 7643 §4.3. */
export const ENTERPRISE_USER_SCHEMA: Schema = {
  id: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User',
  aliases: [
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0User',
    'urn:scim:schemas:extension:enterprise:2.0:User',
    'urn:scim:schemas:extension:enterprise:2.0',
    'urn:scim:schemas:extension:enterprise:1.0',
  ],
  name: 'EnterpriseUser',
  description: 'Enterprise User',
  attributes: [
    attribute('employeeNumber', 'Identifier of the user within the organisation.'),
    attribute('costCenter', 'Name of the cost center.'),
    attribute('organization', 'Name of the organisation.'),
    attribute('division', 'Name of the division.'),
    attribute('department', 'Name of the department.'),
    attribute('manager', "The user's manager.", {
      type: 'complex',
      subAttributes: [
        attribute('value', "Identifier of the manager's user resource.", { caseExact: true }),
        attribute('$ref', "URI of the manager's user resource.", {
          type: 'reference',
          referenceTypes: ['User'],
          caseExact: true,
        }),
        attribute('displayName', 'Display name of the manager.', { mutability: 'readOnly' }),
      ],
    }),
  ],
};
