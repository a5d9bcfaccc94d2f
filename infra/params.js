'use strict';

// Values for the templates from the deploy parameters. Python checks them (edgesweep/settings.py): a wrong one ends the
// command with one line, before anything is packaged or deployed.

const { spawnSync } = require('node:child_process');
const { existsSync } = require('node:fs');
const { join } = require('node:path');

const KEPT_BY_DEFAULT = { deletionPolicy: 'Retain', deletionProtection: true };
const THROWN_AWAY = { deletionPolicy: 'Delete', deletionProtection: false };
const PASSING_STAGES = ['demo', 'test'];

const NOTHING = { Ref: 'AWS::NoValue' };
const WARNED_PERCENT = 80;
const ROOT = join(__dirname, '..');

const bucketArn = (name) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:s3:::${name}` });
const distributionArn = (id) => ({ 'Fn::Sub': `arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/${id}` });
const listed = (text) => text.split(',').filter(Boolean);

const warning = (budgetUsd) => ({
  budgetAlarm: '${file(infra/budget.yml)}',
  budgetWarning: (Math.round(budgetUsd * 100) * WARNED_PERCENT) / 10000,
});

const stop = (line) => {
  process.stderr.write(`${line}\n`);
  process.exit(2);
};

const ask = (question) => {
  const own = join(ROOT, '.venv', 'bin', 'python');
  const python = existsSync(own) ? own : 'python3';
  const options = { cwd: ROOT, env: { ...process.env, PYTHONPATH: ROOT }, input: JSON.stringify(question), encoding: 'utf8' };
  const { error, status, stdout, stderr } = spawnSync(python, ['-m', 'edgesweep.operate.parameters'], options);
  if (status === 0) return JSON.parse(stdout);
  const line = (error?.message ?? stderr).trim().split('\n').pop();
  return stop(status === 2 ? line : `The parameters cannot be checked without Python 3.11 or later, as ${python}: ${line}`);
};

module.exports = async ({ options, resolveConfigurationProperty, resolveVariable }) => {
  const values = {};
  for (const name of Object.keys(await resolveConfigurationProperty(['params', 'default']))) {
    values[name] = String(await resolveVariable(`param:${name}`));
  }
  const assigned = (options.param ?? []).map((assignment) => assignment.split('=', 1)[0]);
  const stage = await resolveVariable('self:provider.stage');
  const region = process.argv.includes('deploy') ? await resolveVariable('self:provider.region') : null;
  const checked = ask({ values, assigned, stage, region });
  const buckets = listed(checked.bucket);
  const distributions = listed(checked.distribution);
  const skipUnchanged = checked.skipUnchanged === 'true';

  return {
    ...checked,
    source: buckets.length > 0 ? 'buckets' : 'site',
    bucketNames: buckets,
    bucketArns: buckets.map(bucketArn),
    objectArns: buckets.map((name) => bucketArn(`${name}/*`)),
    distributionOutput: checked.distribution || 'discovered',
    distributionArns: (distributions.length > 0 ? distributions : ['*']).map(distributionArn),
    discover: distributions.length > 0 ? NOTHING : { Sid: 'Discover', Effect: 'Allow', Action: ['cloudfront:ListDistributions'], Resource: '*' },
    catalogue: skipUnchanged ? '${file(infra/catalogue.yml)}' : {},
    cataloguePolicy: skipUnchanged ? ['CataloguePolicy'] : [],
    catalogueTable: skipUnchanged ? { Ref: 'CatalogueTable' } : '',
    alarmActions: checked.alarmEmail ? [{ Ref: 'AlarmTopic' }] : [],
    ...(Number(checked.budgetUsd) ? warning(checked.budgetUsd) : { budgetAlarm: {} }),   // beyond free paths, a budget of 0 spends nothing
    alarmTopic: checked.alarmEmail ? '${file(infra/topic.yml)}' : {},
    dashboard: checked.dashboard === 'true' ? '${file(infra/dashboard.yml)}' : {},
    permissionsBoundary: checked.permissionsBoundary || NOTHING,
    ...(PASSING_STAGES.includes(stage) ? THROWN_AWAY : KEPT_BY_DEFAULT),
  };
};
