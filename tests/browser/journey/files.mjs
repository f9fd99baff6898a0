// Files as people bring them: CSV, one with columns of its own, and a workbook.
import { crc32 } from 'node:zlib';

const COLUMNS = 'provider,learner_ref,uln,age,sex,ethnicity,disability,prior_status,district,aim,programme,skill,mode,start,planned_end,end,stage'.split(',');

/** A day some months before today, as `[year, month, day]`. */
export function ago(months, days = 0) {
  const now = new Date();
  const day = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, Math.min(now.getUTCDate(), 28) - days));
  return [day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate()];
}

export const iso = ([year, month, day]) => `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;

/** Rows of a learner file; `changes` replaces columns. */
export function learners(provider, programme, count, changes = {}, first = 1) {
  const rows = Array.from({ length: count }, (_, n) => ({
    provider, learner_ref: `${programme}-${first + n}`, uln: '', age: String(20 + ((n * 7) % 50)), sex: n % 2 ? 'female' : 'male', ethnicity: 'white',
    disability: 'no', prior_status: 'employed', district: 'E08000028', aim: 'A1', programme, skill: 'foundation', mode: 'online',
    start: iso(ago(6)), planned_end: '', end: '', stage: 'in progress', ...changes,
  }));
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))];
}

export const csv = (table, between = ',') => table.map((row) => row.join(between)).join('\n') + '\n';

/** What a zip holds without being packed: name and content of each file. */
function zip(files) {
  const parts = [];
  const list = [];
  let at = 0;
  for (const [name, text] of files) {
    const [title, data] = [Buffer.from(name), Buffer.from(text)];
    const facts = Buffer.alloc(26);
    facts.writeUInt16LE(20, 0);
    facts.writeUInt32LE(crc32(data), 10);
    facts.writeUInt32LE(data.length, 14);
    facts.writeUInt32LE(data.length, 18);
    facts.writeUInt16LE(title.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, title, data]);
    const entry = Buffer.alloc(46);
    entry.write('PK\x01\x02');
    entry.writeUInt16LE(20, 4);
    facts.copy(entry, 6);
    entry.writeUInt32LE(at, 42);
    list.push(entry, title);
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(list);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...parts, directory, end]);
}

/** A workbook of one sheet with texts (ECMA-376, part 1). */
export function workbook(table) {
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
  const sheets = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
  const relations = 'http://schemas.openxmlformats.org/package/2006/relationships';
  const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
  const types = 'application/vnd.openxmlformats-officedocument.spreadsheetml';
  const cell = (text, column, row) => `<c r="${String.fromCharCode(65 + column)}${row + 1}" t="inlineStr"><is><t>${text}</t></is></c>`;
  const rows = table.map((cells, row) => `<row r="${row + 1}">${cells.map((text, column) => cell(text, column, row)).join('')}</row>`);
  return zip([
    ['[Content_Types].xml', `${head}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${types}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${types}.worksheet+xml"/></Types>`],
    ['_rels/.rels', `${head}<Relationships xmlns="${relations}"><Relationship Id="r1" Type="${office}/officeDocument" Target="xl/workbook.xml"/></Relationships>`],
    ['xl/workbook.xml', `${head}<workbook xmlns="${sheets}" xmlns:r="${office}"><sheets><sheet name="Learners" sheetId="1" r:id="r1"/></sheets></workbook>`],
    ['xl/_rels/workbook.xml.rels', `${head}<Relationships xmlns="${relations}"><Relationship Id="r1" Type="${office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`],
    ['xl/worksheets/sheet1.xml', `${head}<worksheet xmlns="${sheets}"><sheetData>${rows.join('')}</sheetData></worksheet>`],
  ]);
}
