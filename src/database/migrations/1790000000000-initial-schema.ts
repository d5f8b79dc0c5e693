import type { MigrationInterface, QueryRunner } from 'typeorm';
import { columnDdl as t } from '../column-types';
import { dialect } from '../dialect';

export class InitialSchema1790000000000 implements MigrationInterface {
  name = 'InitialSchema1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    const statements = [
      `CREATE TABLE tenant (
        id ${t.id} NOT NULL,
        name ${t.text(200)} NOT NULL,
        createdAt ${t.time} NOT NULL,
        updatedAt ${t.time} NOT NULL,
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      `CREATE TABLE admin_key (
        id ${t.id} NOT NULL,
        tenantId ${t.id},
        name ${t.text(200)} NOT NULL,
        role ${t.text(16)} NOT NULL,
        prefix ${t.text(40)} NOT NULL,
        tokenHash ${t.key(64)} NOT NULL,
        createdAt ${t.time} NOT NULL,
        expiresAt ${t.time},
        lastUsedAt ${t.time},
        revokedAt ${t.time},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX admin_key_token ON admin_key (tokenHash)',
      'CREATE INDEX admin_key_tenant ON admin_key (tenantId, id)',
      `CREATE TABLE audit_event (
        id ${t.id} NOT NULL,
        at ${t.time} NOT NULL,
        tenantId ${t.id},
        integrationId ${t.id},
        actorKind ${t.text(16)} NOT NULL,
        actorName ${t.text(200)} NOT NULL,
        actorKeyPrefix ${t.text(40)},
        action ${t.text(64)} NOT NULL,
        targetType ${t.text(32)} NOT NULL,
        targetId ${t.text(200)} NOT NULL,
        outcome ${t.text(16)} NOT NULL,
        requestId ${t.id},
        detail ${t.longText},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE INDEX audit_event_tenant ON audit_event (tenantId, id)',
      'CREATE INDEX audit_event_integration ON audit_event (integrationId, id)',
      `CREATE TABLE integration (
        id ${t.id} NOT NULL,
        tenantId ${t.id} NOT NULL,
        provider ${t.text(32)} NOT NULL,
        name ${t.text(200)} NOT NULL,
        mode ${t.text(16)} NOT NULL,
        suspensionReason ${t.text(64)},
        suspensionMessage ${t.text(1000)},
        suspendedSince ${t.time},
        nextProbeAt ${t.time},
        revision ${t.integer} NOT NULL,
        settings ${t.longText} NOT NULL,
        secretCiphertext ${t.longText} NOT NULL,
        secretKeyId ${t.text(16)} NOT NULL,
        policies ${t.longText} NOT NULL,
        accountIdentity ${t.key(255)},
        accountName ${t.text(255)},
        accountUrl ${t.text(1000)},
        connectionStatus ${t.text(16)} NOT NULL,
        connectionReason ${t.text(64)},
        connectionMessage ${t.text(1000)},
        connectionCheckedAt ${t.time},
        deletingSince ${t.time},
        createdAt ${t.time} NOT NULL,
        updatedAt ${t.time} NOT NULL,
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE INDEX integration_tenant ON integration (tenantId, id)',
      `CREATE TABLE scim_key (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        name ${t.text(200)} NOT NULL,
        prefix ${t.text(40)} NOT NULL,
        tokenHash ${t.key(64)} NOT NULL,
        createdAt ${t.time} NOT NULL,
        expiresAt ${t.time},
        lastUsedAt ${t.time},
        revokedAt ${t.time},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX scim_key_token ON scim_key (tokenHash)',
      'CREATE INDEX scim_key_integration ON scim_key (integrationId, id)',
      `CREATE TABLE scim_user (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        userNameKey ${t.key(1100)},
        externalIdKey ${t.key(1100)},
        emailKey ${t.key(1100)},
        userName ${t.text(256)} NOT NULL,
        displayName ${t.text(1000)} NOT NULL,
        email ${t.text(256)},
        active ${t.boolean} NOT NULL,
        incarnation ${t.integer} NOT NULL,
        version ${t.integer} NOT NULL,
        resource ${t.longText} NOT NULL,
        createdAt ${t.time} NOT NULL,
        lastModified ${t.time} NOT NULL,
        deletedAt ${t.time},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX scim_user_integration ON scim_user (integrationId, id)',
      'CREATE UNIQUE INDEX scim_user_name ON scim_user (integrationId, userNameKey)',
      'CREATE UNIQUE INDEX scim_user_external_id ON scim_user (integrationId, externalIdKey)',
      'CREATE INDEX scim_user_email ON scim_user (integrationId, emailKey)',
      'CREATE INDEX scim_user_deleted ON scim_user (deletedAt)',
      `CREATE TABLE scim_group (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        displayNameKey ${t.key(1100)},
        displayNameUniqueKey ${t.key(1100)},
        externalIdKey ${t.key(1100)},
        displayName ${t.text(256)} NOT NULL,
        generation ${t.integer} NOT NULL,
        version ${t.integer} NOT NULL,
        resource ${t.longText} NOT NULL,
        createdAt ${t.time} NOT NULL,
        lastModified ${t.time} NOT NULL,
        deletedAt ${t.time},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX scim_group_integration ON scim_group (integrationId, id)',
      'CREATE INDEX scim_group_name ON scim_group (integrationId, displayNameKey)',
      'CREATE UNIQUE INDEX scim_group_unique_name ON scim_group (integrationId, displayNameUniqueKey)',
      'CREATE INDEX scim_group_external_id ON scim_group (integrationId, externalIdKey)',
      'CREATE INDEX scim_group_deleted ON scim_group (deletedAt)',
      `CREATE TABLE group_member (
        groupId ${t.id} NOT NULL,
        userId ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        PRIMARY KEY (groupId, userId),
        ${foreignKey('group_member_group_fk', ['integrationId', 'groupId'], 'scim_group', ['integrationId', 'id'])},
        ${foreignKey('group_member_user_fk', ['integrationId', 'userId'], 'scim_user', ['integrationId', 'id'])}
      )${t.tableOptions}`,
      'CREATE INDEX group_member_user ON group_member (integrationId, userId)',
      'CREATE INDEX group_member_group ON group_member (integrationId, groupId)',
      `CREATE TABLE group_change (
        groupId ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        mark ${t.id} NOT NULL,
        whole ${t.boolean} NOT NULL,
        since ${t.time} NOT NULL,
        PRIMARY KEY (groupId)
      )${t.tableOptions}`,
      'CREATE INDEX group_change_due ON group_change (integrationId, since)',
      `CREATE TABLE member_change (
        groupId ${t.id} NOT NULL,
        userId ${t.id} NOT NULL,
        mark ${t.id} NOT NULL,
        PRIMARY KEY (groupId, userId)
      )${t.tableOptions}`,
      'CREATE INDEX member_change_user ON member_change (userId)',
      `CREATE TABLE refused_write (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        resourceType ${t.text(16)} NOT NULL,
        resourceKey ${t.key(1100)} NOT NULL,
        resourceId ${t.id},
        method ${t.text(8)} NOT NULL,
        at ${t.time} NOT NULL,
        path ${t.text(512)} NOT NULL,
        status ${t.integer} NOT NULL,
        detail ${t.text(2000)} NOT NULL,
        named ${t.longText} NOT NULL,
        scimKey ${t.text(200)} NOT NULL,
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX refused_write_of ON refused_write (integrationId, resourceType, resourceKey, method)',
      `CREATE TABLE remote_user (
        userId ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        state ${t.text(16)} NOT NULL,
        remoteUserId ${t.key(191)},
        emailKey ${t.key(1100)},
        incarnation ${t.integer} NOT NULL,
        reason ${t.text(64)},
        message ${t.text(1000)},
        attempts ${t.integer} NOT NULL,
        checkedAt ${t.time} NOT NULL,
        nextCheckAt ${t.time},
        PRIMARY KEY (userId)
      )${t.tableOptions}`,
      'CREATE INDEX remote_user_of_integration ON remote_user (integrationId, remoteUserId)',
      `CREATE TABLE remote_group (
        id ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        groupId ${t.id} NOT NULL,
        groupName ${t.text(256)} NOT NULL,
        accountIdentity ${t.key(255)},
        remoteId ${t.key(191)},
        remoteName ${t.text(256)},
        remoteNameKey ${t.key(1100)},
        remoteUrl ${t.text(1000)},
        ownership ${t.text(16)},
        createIntent ${t.longText},
        createdRemotelyAt ${t.time},
        appliedGeneration ${t.integer} NOT NULL,
        state ${t.text(16)} NOT NULL,
        reason ${t.text(64)},
        message ${t.text(1000)},
        attempts ${t.integer} NOT NULL,
        nextAttemptAt ${t.time},
        notBefore ${t.time},
        blockedMark ${t.id},
        nameReason ${t.text(64)},
        nameMessage ${t.text(1000)},
        nameAttempts ${t.integer} NOT NULL,
        nameNextAttemptAt ${t.time},
        writeSeq ${t.integer} NOT NULL,
        lastWriteAt ${t.time},
        deletingSince ${t.time},
        PRIMARY KEY (id)
      )${t.tableOptions}`,
      'CREATE UNIQUE INDEX remote_group_of_group ON remote_group (integrationId, groupId)',
      'CREATE UNIQUE INDEX remote_group_claim ON remote_group (accountIdentity, remoteId)',
      'CREATE INDEX remote_group_due ON remote_group (integrationId, nextAttemptAt)',
      'CREATE INDEX remote_group_name ON remote_group (integrationId, remoteNameKey)',
      `CREATE TABLE remote_member (
        remoteGroupId ${t.id} NOT NULL,
        remoteUserId ${t.key(191)} NOT NULL,
        state ${t.text(16)} NOT NULL,
        managed ${t.boolean} NOT NULL,
        preexisting ${t.boolean} NOT NULL,
        role ${t.text(32)},
        kind ${t.text(16)},
        reason ${t.text(64)},
        message ${t.text(1000)},
        attempts ${t.integer} NOT NULL,
        nextAttemptAt ${t.time},
        PRIMARY KEY (remoteGroupId, remoteUserId)
      )${t.tableOptions}`,
      'CREATE INDEX remote_member_due ON remote_member (remoteGroupId, nextAttemptAt)',
      'CREATE INDEX remote_member_kind ON remote_member (remoteGroupId, kind, nextAttemptAt)',
      'CREATE INDEX remote_member_user ON remote_member (remoteUserId)',
      `CREATE TABLE parked_member (
        remoteGroupId ${t.id} NOT NULL,
        userId ${t.id} NOT NULL,
        integrationId ${t.id} NOT NULL,
        kind ${t.text(16)} NOT NULL,
        reason ${t.text(64)} NOT NULL,
        message ${t.text(1000)} NOT NULL,
        attempts ${t.integer} NOT NULL,
        nextAttemptAt ${t.time} NOT NULL,
        PRIMARY KEY (remoteGroupId, userId)
      )${t.tableOptions}`,
      'CREATE INDEX parked_member_due ON parked_member (remoteGroupId, kind, nextAttemptAt)',
      'CREATE INDEX parked_member_reason ON parked_member (remoteGroupId, reason, nextAttemptAt)',
      `CREATE TABLE integration_work (
        integrationId ${t.id} NOT NULL,
        dueAt ${t.time},
        notBefore ${t.time},
        failures ${t.integer} NOT NULL,
        PRIMARY KEY (integrationId)
      )${t.tableOptions}`,
      'CREATE INDEX integration_work_due ON integration_work (dueAt)',
      `CREATE TABLE lease (
        integrationId ${t.id} NOT NULL,
        owner ${t.id},
        token ${t.integer} NOT NULL,
        expiresAt ${t.time} NOT NULL,
        PRIMARY KEY (integrationId)
      )${t.tableOptions}`,
    ];
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    const tables = [
      'lease',
      'integration_work',
      'parked_member',
      'remote_member',
      'remote_group',
      'remote_user',
      'refused_write',
      'member_change',
      'group_change',
      'group_member',
      'scim_group',
      'scim_user',
      'scim_key',
      'integration',
      'audit_event',
      'admin_key',
      'tenant',
    ];
    for (const table of tables) await runner.query(`DROP TABLE ${table}`);
  }
}

/** Quoted and explicit, because TypeORM finds a key's name and actions in the catalogue only so. */
function foreignKey(name: string, columns: string[], table: string, referenced: string[]): string {
  const quote = (word: string) => (dialect === 'mysql' ? `\`${word}\`` : `"${word}"`);
  const list = (words: string[]) => words.map(quote).join(', ');
  return `CONSTRAINT ${quote(name)} FOREIGN KEY (${list(columns)}) REFERENCES ${quote(table)} (${list(referenced)}) ON DELETE NO ACTION ON UPDATE NO ACTION`;
}
