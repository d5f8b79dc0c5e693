import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module';
import { ChangeMarks } from './change-marks';
import { DeletedRowsSweeper } from './deleted-rows-sweeper';
import { DesiredStateChanges } from './desired-state-changes';
import { Departures } from './departures';
import { GivenAddresses } from './given-addresses';
import { Groups } from './groups';
import { IntegrationDirectory } from './integration-directory';
import { KeptUsers, RemovedUsers } from './kept-users';
import { RefusedWrites } from './refused-writes';
import { Users } from './users';

@Module({
  imports: [AuditModule],
  providers: [
    Users,
    Groups,
    ChangeMarks,
    DesiredStateChanges,
    RefusedWrites,
    KeptUsers,
    RemovedUsers,
    GivenAddresses,
    Departures,
    DeletedRowsSweeper,
    IntegrationDirectory,
  ],
  exports: [
    Users,
    Groups,
    ChangeMarks,
    DesiredStateChanges,
    RefusedWrites,
    KeptUsers,
    RemovedUsers,
    GivenAddresses,
    Departures,
    IntegrationDirectory,
  ],
})
export class DirectoryModule {}
