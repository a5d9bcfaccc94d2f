'use strict';

// Values for the templates from the deploy parameters. Python completes them from the deployed stack and checks them
// (edgesweep/operate/parameters.py): a wrong one ends the command with one line, before anything is packaged or deployed.

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { ask } = require('./python');

const KEPT_BY_DEFAULT = { deletionPolicy: 'Retain', deletionProtection: true };
const THROWN_AWAY = { deletionPolicy: 'Delete', deletionProtection: false };
const PASSING_STAGES = ['demo', 'test'];

const NOTHING = { Ref: 'AWS::NoValue' };
const WARNED_PERCENT = 80;

const bucketArn = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });
const distributionArn = (id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/${id}` });
const allowed = (Sid, Action, Resource) => ({ Sid, Effect: 'Allow', Action, Resource });
const listed = (text) => text.split(',').filter(Boolean);

const warning = (budgetUsd) => ({
  budgetAlarm: '${file(infra/budget.yml)}',
  budgetWarning: (Math.round(budgetUsd * 100) * WARNED_PERCENT) / 10000,
});

const WAKE = {
  stream: { StreamViewType: 'KEYS_ONLY' },
  wakeFunction: '${file(infra/wake.yml):function}',
  wakeResources: '${file(infra/wake.yml):resources}',
};
const NO_WAKE = { stream: NOTHING, wakeFunction: {}, wakeResources: {} };

const stop = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(2);
};

const complete = (question, credentials) => {
  try {
    return ask('edgesweep.operate.parameters', question, credentials);
  } catch ({ message }) {
    return stop(message);
  }
};

// The parameters of a package that was made before: they cannot be changed any more.
const packaged = (folder) => JSON.parse(readFileSync(join(folder, 'cloudformation-template-update-stack.json'), 'utf8')).Metadata.Parameters;

module.exports = async ({ options, resolveConfigurationProperty, resolveVariable }) => {
  const empty = (options.param ?? []).find((assignment) => /^[^=]+=?$/.test(assignment));
  if (empty) stop(`Parameter ${empty.replace('=', '')} has no value; give ${empty.replace('=', '')}=default for its default`);
  const { credentials, failure, ...place } = await resolveVariable('deployment:');
  const stage = await resolveVariable('self:provider.stage');
  if (failure) stop(`The stack ${place.stack} in ${place.region} cannot be read, so nothing is deployed: ${failure}`);
  const values = {};
  for (const name of Object.keys(await resolveConfigurationProperty(['params', 'default']))) {
    values[name] = String(await resolveVariable(`param:${name}`));
  }
  const ofStage = (await resolveConfigurationProperty(['params', stage])) ?? {};   // as osls allows in serverless.yml
  let assigned = [...Object.keys(ofStage), ...(options.param ?? []).map((assignment) => assignment.split('=', 1)[0])];
  if (options.package && place.command === 'deploy') {
    const late = assigned.find((name) => name !== 'drop');
    if (late) stop(`Parameter ${late} comes too late: the package in ${options.package} has its parameters already`);
    Object.assign(values, packaged(options.package));
    assigned = Object.keys(values);
  }
  const { remembered, ...checked } = complete({ values, assigned, stage, ...place }, credentials);
  if (remembered) process.stderr.write(`Remembered by the stack ${place.stack}: ${remembered}\n`);
  const buckets = listed(checked.bucket);
  const distributions = listed(checked.distribution);
  const discovers = buckets.length > 0 && distributions.length === 0;
  const counts = checked.others !== 'ignore';
  const skipUnchanged = checked.skipUnchanged === 'true';

  return {
    ...checked,
    source: buckets.length > 0 ? 'buckets' : 'site',
    bucketNames: buckets,
    bucketArns: buckets.map(bucketArn),
    objectArns: buckets.map((name) => bucketArn(`${name}/*`)),
    distributionOutput: checked.distribution || 'discovered',
    distributionArns: (distributions.length > 0 ? distributions : ['*']).map(distributionArn),
    discover: discovers || counts ? allowed('Discover', ['cloudfront:ListDistributions'], '*') : NOTHING,
    audit: counts ? allowed('CountOthers', ['cloudfront:ListInvalidations', 'cloudfront:GetInvalidation'], distributionArn('*')) : NOTHING,
    catalogue: skipUnchanged ? '${file(infra/catalogue.yml)}' : {},
    cataloguePolicy: skipUnchanged ? ['CataloguePolicy'] : [],
    catalogueTable: skipUnchanged ? { Ref: 'CatalogueTable' } : '',
    alarmActions: checked.alarmEmail ? [{ Ref: 'AlarmTopic' }] : [],
    ...(Number(checked.budgetUsd) ? warning(checked.budgetUsd) : { budgetAlarm: {} }),   // beyond free paths, a budget of 0 spends nothing
    alarmTopic: checked.alarmEmail ? '${file(infra/topic.yml)}' : {},
    dashboard: checked.dashboard === 'true' ? '${file(infra/dashboard.yml)}' : {},
    ...(checked.wake === 'true' ? WAKE : NO_WAKE),
    permissionsBoundary: checked.permissionsBoundary || NOTHING,
    ...(PASSING_STAGES.includes(stage) ? THROWN_AWAY : KEPT_BY_DEFAULT),
  };
};
