/** Frontrunner as a library, in the process that answers. docs/guide/in-your-own-app.md */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { PIECES, serve, work } from './job.mjs';

const { Frontrunner, FrontrunnerModule, SubTask, Task } = await import(process.env.FRONTRUNNER);

const pieces = PIECES.map((piece) => {
  class Piece {
    run(id) {
      return work(id, piece);
    }
  }
  SubTask({ name: `piece-${piece}` })(Piece);
  return Piece;
});
class Job {}
Task({ name: 'job', subTasks: pieces })(Job);
class App {}
Module({
  imports: [
    FrontrunnerModule.forRoot({ database: process.env.DATABASE_URL }),
    FrontrunnerModule.forFeature([Job, ...pieces]),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: ['error'] });
const frontrunner = app.get(Frontrunner);
serve(async (id) => {
  const run = await frontrunner.start('job', id);
  return (await run.reply()).result;
});
