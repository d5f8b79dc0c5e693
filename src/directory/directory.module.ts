import { Module } from '@nestjs/common';
import { ChangeMarks } from './change-marks';
import { DeletedRowsSweeper } from './deleted-rows-sweeper';
import { DesiredStateChanges } from './desired-state-changes';
import { Groups } from './groups';
import { Users } from './users';

@Module({
  providers: [Users, Groups, ChangeMarks, DesiredStateChanges, DeletedRowsSweeper],
  exports: [Users, Groups, ChangeMarks, DesiredStateChanges],
})
export class DirectoryModule {}
