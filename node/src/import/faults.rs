//! Every problem that an import can find, with its remedy: what to press on a page, and behind `by command` what to type at a terminal, where
//! that is something else. None quotes a value.

use super::report::Fault;

macro_rules! faults {
    ($($name:ident = $code:literal, $cause:literal, $remedy:literal $(, by command $command:literal)?;)+) => {
        $(pub(crate) const $name: Fault = Fault { code: $code, cause: $cause, remedy: $remedy };)+
        #[cfg(test)]
        pub(super) const ALL: &[Fault] = &[$($name),+];
        /// A page's remedy and the terminal's.
        const BY_COMMAND: &[(&str, &str)] = &[$($(($remedy, $command),)?)+];
    };
}

/// What somebody at a terminal is told in the place of a page's remedy.
#[must_use]
pub(crate) fn at_terminal(remedy: &str) -> &str {
    let found = BY_COMMAND.iter().find(|(page, _)| *page == remedy);
    found.map_or(remedy, |(_, command)| command)
}

faults! {
    // The file as a whole: it is refused even with --valid-rows.
    UTF_16 = "encoding", "The file looks like UTF-16, not UTF-8.",
        "Save it again as UTF-8: in Excel choose \"CSV UTF-8 (Comma delimited)\".";
    WINDOWS_1252 = "encoding", "The row is not UTF-8; it looks like Windows-1252 (Western European).",
        "Save the file again as UTF-8: in Excel choose \"CSV UTF-8 (Comma delimited)\".";
    NUL = "encoding", "The file holds a NUL byte: it is no text file, or it is damaged.",
        "Export it again as CSV in UTF-8, or send the spreadsheet itself as an Excel workbook (.xlsx).";
    LINE_ENDS = "line-ends", "The lines end in a carriage return alone, as on old Macintosh computers.",
        "Save the file again: in Excel choose \"CSV UTF-8 (Comma delimited)\", not \"CSV (Macintosh)\".";
    UNCLOSED = "unclosed-quote", "A quotation mark that opens here is never closed.",
        "Close it or remove it. A quotation mark within a field is written twice.";
    RECORD_SIZE = "record-size", "A row is longer than 64 KiB: probably a quotation mark is never closed.",
        "Look at the quotation marks on this line and export the file again.";
    NO_HEADER = "header-missing", "The first row is not a header.",
        "Write the column names in the first row, as the guide to the file lists them.";
    SEPARATOR = "separator", "The columns are not separated by commas, semicolons or tabs.",
        "Save the file again with commas between the columns.";
    NO_ROWS = "no-rows", "The file has no rows below its header.",
        "Check that the export is complete.";

    // What was sent by mistake.
    EMPTY = "file-empty", "The file is empty.",
        "Export it again, and look that it has more than 0 bytes before you send it.";
    PDF = "format-pdf", "This is a PDF: it holds pages to read and no rows.",
        "Ask whoever made it for the table itself, as an Excel workbook (.xlsx) or as CSV UTF-8.";
    PICTURE = "format-picture", "This is a picture: it holds no rows.",
        "Ask whoever made it for the table itself, as an Excel workbook (.xlsx) or as CSV UTF-8.";
    DOCUMENT = "format-document", "This is a document of text or slides, such as Word writes, and not a table.",
        "Copy its table into a spreadsheet, save that as an Excel workbook (.xlsx), and send it.";
    WEB_PAGE = "format-html", "This is a web page (HTML). Some systems save one under a workbook's name.",
        "Open it in a spreadsheet program, save it as an Excel workbook (.xlsx), and send that.";
    XML_AS_TABLE = "format-xml", "This is XML, and not a table.",
        "Export the rows as CSV in UTF-8 or as an Excel workbook (.xlsx).";
    ILR_AS_TABLE = "format-ilr", "This is an Individualised Learner Record (ILR), and not a table.",
        "Send it again as an ILR: on the page Import files choose \"An Individualised Learner Record\".",
        by command "Import it as an ILR: `ldsp-node import ilr FILE`.";
    NO_ILR = "ilr-not-xml", "This is not XML, as every Individualised Learner Record (ILR) is.",
        "Choose the XML file that is returned to the funder. A table of learners is sent as learners.";
    LEARNERS_HERE = "kind-learners", "The columns are those of a learner file: one row for each enrolment.",
        "Send it again as learners: on the page Import files choose \"Learners\".",
        by command "Import it as learners: `ldsp-node import learners FILE`.";
    PROGRAMMES_HERE = "kind-programmes", "The columns are those of a programme file: one row for each programme.",
        "Send it again as programmes: on the page Import files choose \"Programmes\".",
        by command "Import it as programmes: `ldsp-node import programmes FILE`.";
    DEMAND_HERE = "kind-demand", "The columns are those of a file of demand for skills.",
        "Send it again as demand: on the page Import files choose \"Demand for digital skills\".",
        by command "Import it as demand: `ldsp-node import demand FILE`.";
    NOT_CSV = "format-packed", "This is an Excel workbook or a packed archive (.zip), and only CSV is read here.",
        "Unpack it, or save the sheet as CSV UTF-8, and send that.";

    // A workbook as a whole.
    OLD_FORMAT = "format-old", "This is an Excel workbook of before 2007 (.xls), which is not read here.",
        "Open it and save it as an Excel workbook (.xlsx) or as CSV UTF-8.";
    PASSWORD = "format-password", "The workbook is protected by a password.",
        "Open it, remove the password (File, Info, Protect Workbook, Encrypt with Password: leave it empty), save it and send that.";
    OPEN_DOCUMENT = "format-ods", "This is an OpenDocument spreadsheet (.ods), which is not read here.",
        "Open it and save it as an Excel workbook (.xlsx) or as CSV in UTF-8.";
    BINARY_WORKBOOK = "format-xlsb", "This is a binary Excel workbook (.xlsb), which is not read here.",
        "Open it and save it as an Excel workbook (.xlsx) or as CSV UTF-8.";
    ARCHIVE = "format-zip", "The file is a packed archive (.zip) and not a workbook.",
        "Unpack it and send the file that is in it.";
    BOMB = "workbook-size", "The workbook unpacks to far more than a workbook of records holds.",
        "Copy the rows into a new workbook and send that, or save the sheet as CSV UTF-8. Do not open a file that you did not expect.";
    MARKUP = "workbook-form", "The workbook holds markup that no spreadsheet program writes.",
        "Open it in a spreadsheet program, save it as an Excel workbook (.xlsx) again, and send that.";
    DAMAGED = "workbook-damaged", "The workbook is damaged: it cannot be read to its end.",
        "Open it in a spreadsheet program, save it again and send that.";
    NO_SHEET = "sheet-missing", "The workbook has no visible sheet of cells.",
        "Put the rows on a sheet that is not hidden.";
    SHEET_UNKNOWN = "sheet-unknown", "The workbook has no sheet of that name.",
        "Give the name as it stands on the sheet's tab.";
    SHEETS = "sheet-unclear", "More than one sheet may be meant.",
        "Choose the sheet that holds the rows.",
        by command "Say which one holds the rows: `--sheet NAME`.";
    SHEETS_MANY = "sheets-too-many", "The workbook has more than 40 sheets that are not hidden: they are not searched.",
        "Write the name of the sheet that holds the rows.",
        by command "Say which one holds the rows: `--sheet NAME`.";
    MERGED = "cells-merged", "Cells are merged below the header: only the first of them holds its value.",
        "Select the table, choose Unmerge Cells, fill in what is empty then, and save the workbook.";
    // A table of the Employer Skills Survey as a whole.
    SURVEY_TABLE = "survey-table", "This is not the table of the skills that will need developing, by LEP, in one of the layouts that are read.",
        "Take sheet 80 of the standard LEP tables of 2017, or the CSV of all areas of 2019, as the Department for Education published them.";
    SURVEY_LEP = "survey-area", "The table has nothing for this node's LEP: it may have had another area then.",
        "Add what the survey says of a part of the area with the form, and say in its note which part that is.";
    SURVEY_YEAR = "survey-year", "The table does not say of which year it is.",
        "Take the file as it was published, with the rows above the table.";
    // An ILR as a whole.
    XML_FORM = "xml-form", "The file is not well-formed XML from here on.",
        "Export it again; do not edit it by hand.";
    XML_TRUNCATED = "xml-truncated", "The file ends before its last element is closed.",
        "It was cut off: export or copy it again.";
    XML_ENCODING = "encoding", "The file is not UTF-8.",
        "Export it as XML in UTF-8.";
    XML_DOCTYPE = "xml-doctype", "The file has a document type declaration, which no ILR has.",
        "Export it again from your own system; do not take it from elsewhere.";
    XML_ENTITY = "xml-entity", "The file uses an entity that XML does not define itself.",
        "Export it again from your own system; do not take it from elsewhere.";
    XML_SIZE = "xml-size", "One piece of the file is longer than 64 KiB, which nothing in an ILR is.",
        "Export it again; do not edit it by hand.";
    XML_DEPTH = "xml-depth", "Elements stand too deep in one another.",
        "Export it again; do not edit it by hand.";
    ILR_NAMESPACE = "ilr-namespace", "The file's namespace is not that of an ILR.",
        "Choose an ILR as it is returned to the funder; it begins with Message and a namespace such as ESFA/ILR/2020-21.";
    ILR_YEAR = "ilr-year", "The file is an ILR of a year that is not read here: 2016-17 to 2025-26 are.",
        "Use a newer version of this program, or bring the records in as a learner file.";
    ILR_MIXED = "ilr-namespaces-mixed", "This element belongs to another namespace than the file's root: parts of two years' ILRs are mixed.",
        "Export the whole file again for one year.";
    ILR_ROOT = "ilr-root", "The file's first element is not Message.",
        "Choose an ILR as it is returned to the funder, not a report on one.";
    ILR_EMPTY = "ilr-empty", "The file has no learners.",
        "Check that the export is complete.";
    ILR_UKPRN = "ilr-ukprn-unknown", "Nobody has said whose files have this UKPRN.",
        "Say it once on the page ILR mappings, then send the file again.",
        by command "Say it once: `ldsp-node ilr provider UKPRN NAME`, then import the file again.";
    ILR_OLDER = "ilr-older", "A file of the same provider and year that was prepared later is stored already.",
        "Import the latest file of the year. A file replaces the one before it.";
    ILR_PART_SIZE = "ilr-part-size", "One learner holds more than 100,000 elements.",
        "Export it again; do not edit it by hand.";
    ILR_OUTCOMES = "ilr-outcomes", "The file tells of more than a million outcomes.",
        "Import one provider's file at a time.";
    ILR_CHANGED = "ilr-changed", "The file changed while it was read.",
        "Wait until its export has ended, then import it.";

    // A row as a whole.
    FIELD_COUNT = "field-count", "The row has another number of fields than the header.",
        "Look for a missing or surplus comma; a field that holds a comma needs quotation marks around it.";
    DUPLICATE_PROGRAMME = "duplicate", "Another row of this file has the same code.",
        "Keep one row for each programme.";

    DUPLICATE_DEMAND = "duplicate", "Another row of this file has the same reference, or says the same without one.",
        "Keep one of them; if both are meant, give each a reference of its own.";

    DOUBTFUL = "same-or-new", "The row may be a new enrolment or a correction of one that is held and that this file does not name: learner and provider agree, and either the aim or the start.",
        "Say which it is where the page asks: new enrolments, or aims or starts corrected. A file that names all enrolments of the learner with this provider needs neither.",
        by command "If this file adds new enrolments, import it with `--doubtful new`; if it corrects aims or starts, with `--doubtful corrected`. A file that names all enrolments of the learner with this provider needs neither.";
    HELD_ULN = "uln-differs", "This learner_ref stands for a learner with another ULN.",
        "Correct the ULN; or, for another learner, give a learner_ref that was not used before. If the ULN that is held is wrong, ask the coordinator of the area to correct it: it may be another person's.";
    SEVERAL = "correction-unclear", "The row may correct more than one enrolment that is held, or another row may correct the same one.",
        "Name all enrolments of the learner with this provider in one file; or send the rows that are new by themselves and say that they are new.",
        by command "Name all enrolments of the learner with this provider in one file; or import the rows that are new by themselves, with `--doubtful new`.";

    // A field of an ILR.
    ILR_UNKNOWN = "ilr-element-unknown", "Something here is not in the schema of the file's year.",
        "Export the file for its year; the element that is named holds what does not belong there.";
    ILR_MISSING = "ilr-element-missing", "The schema of the file's year demands this element.",
        "Fill it in and export the file again.";
    ILR_ORDER = "ilr-element-order", "The element stands behind one that the schema places after it.",
        "Export it again; do not edit it by hand.";
    ILR_TOO_MANY = "ilr-element-repeated", "The element stands here more often than the schema allows.",
        "Remove what is too much and export the file again.";
    ILR_TEXT = "ilr-text", "There is text where the schema has elements only.",
        "Export it again; do not edit it by hand.";
    ILR_VALUE = "ilr-value", "The value is not of the form that the schema of the file's year gives this field.",
        "Correct it in your own system and export the file again.";
    ILR_CODE = "ilr-code-unknown", "Nobody has said how this field's code is read.",
        "Say it once on the page ILR mappings, or correct the code.",
        by command "Say it once: `ldsp-node ilr code FIELD CODE VALUE`; or correct the code.";
    ILR_AIM = "ilr-aim-unknown", "Nobody has said what this aim is.",
        "Say it once on the page ILR mappings: which programme, skill and mode, or that it is not digital.",
        by command "Say it once with `ldsp-node ilr aim`: which programme, skill and mode, or that it is not digital.";

    // A field.
    REQUIRED = "required", "The field is empty.", "Fill it in.";
    FIELD_SIZE = "field-size", "The field is longer than 1,000 bytes.",
        "Shorten it, or look for a quotation mark that is not closed.";
    CONTROL = "control-character", "The field holds a line break or another control character.",
        "Remove it, or look for a quotation mark that is not closed.";
    TEXT_SIZE = "text-size", "The text is too long.", "Shorten it to at most 200 characters.";
    CELL_ERROR = "cell-error", "The cell holds an error, such as #N/A or #REF!.",
        "Correct its formula, or empty the cell.";
    UNCALCULATED = "formula-no-value", "The cell holds a formula whose value was not saved.",
        "Open the workbook in a spreadsheet program, which calculates it, and save it.";
    CELL_DATE = "cell-date", "The cell holds a date, but this column holds none: spreadsheets turn codes such as 1-2 into dates.",
        "Give the column the format Text and type the code again.";
    CELL_NUMBER = "cell-number", "The cell holds a number of more than 15 digits, whose last digits the spreadsheet has lost.",
        "Give the column the format Text and type the reference again.";
    PERSONAL = "personal-data", "The text looks like personal data: an e-mail address, telephone number, National Insurance number, ULN or postcode.",
        "Remove it. This field is kept and shown.";
    CODE_FORM = "code-form", "The code has characters that are not allowed, or is longer than 40.",
        "Use letters, digits, dot, hyphen, underscore and slash.";
    DATE_FORM = "date-form", "This is not a date in the form YYYY-MM-DD.",
        "Write dates like 2022-09-01; in Excel give the column the format yyyy-mm-dd before saving.";
    DATE_IMPOSSIBLE = "date-impossible", "There is no such day in the calendar.", "Correct the date.";
    START_FUTURE = "start-future", "The start lies in the future.",
        "Import the enrolment when it has begun, or correct the date.";
    START_EARLY = "start-early", "The start lies before 2000.", "Correct the date.";
    END_BEFORE = "end-before-start", "The end lies before the start.", "Correct one of the two dates.";
    END_FUTURE = "end-future", "The end lies in the future.",
        "Put the expected end into planned_end and leave end empty until then.";
    END_OPEN = "end-in-progress", "The enrolment has an end but its stage is in progress.",
        "Remove the end, or give the stage that ended it.";
    END_MISSING = "end-missing", "The stage says that the enrolment has ended, but there is no end.",
        "Fill in the date on which it ended.";
    STAGE = "stage-unknown", "This stage is not in the data standard.",
        "Use in-progress, achieved, completed-without-achievement, withdrawn or transferred.";
    PROGRAMME = "programme-unknown", "No programme with this code has been imported.",
        "Add the programme first, on the page Programmes or as a file of programmes; or correct the code.",
        by command "Import the programme first (`ldsp-node import programmes FILE`), or correct the code.";
    OTHER_PROVIDER = "provider-other", "The row is another provider's.",
        "Leave out rows of other providers; your own may leave this field empty.";
    OWN_PROVIDER = "provider-unknown", "Your organisation is not among the training providers here: no file has named it, and nobody described it.",
        "Ask the coordinator of the area to look at how its name is written beside yours, or to add it under Organisations.";
    OTHER_PROGRAMME = "programme-other", "The row is of another programme than the cohort that it was put into.",
        "Send the rows of each cohort in a file of their own, or choose no cohort.";
    THERE = "enrolment-held", "This reference is in your register already, with the same course and first day.",
        "Open that learner and record there what became of it; or, for another learner, give another reference.";
    LEARNER_ERASED = "learner-erased", "The records of the learner with this reference were erased here.",
        "Correct the reference; or take this learner back, and remove the erased one from your own files too.";
    REFERENCE = "reference-personal", "The reference looks like a name, a birth date, a ULN, a National Insurance number or other personal data.",
        "Give a number of your own, such as 2022-017: your organisation will see it beside the learner's records.";
    PROVIDER = "provider-unknown", "No file has named this provider so far.",
        "Look for a misspelling. If the provider is new, choose \"They are new providers\" where the page asks. If it had another name, say so first on the page Names of providers in files, so that nobody is counted twice.",
        by command "Look for a misspelling. If the provider is new, import with `--new-providers`. If it had another name, run `ldsp-node providers rename OLD NEW` first, so that nobody is counted twice.";
    LEARNER = "learner-unknown", "The row has neither a ULN nor a learner_ref.",
        "Give at least the provider's own reference of the learner.";
    ULN_FORM = "uln-form", "A ULN has ten digits.",
        "Correct it or leave it empty. Excel can turn it into 1E+09: format the column as text.";
    ULN_CHECK = "uln-check", "The ULN's check digit is wrong.",
        "Look it up again, or leave it empty until you know it.";
    BIRTH_AFTER = "birth-after-start", "The birth date lies after the start.", "Correct one of the two dates.";
    AGE = "age-impossible", "The age at the start would be under 5 or over 110.",
        "Correct the birth date or age, or leave it empty.";
    AGE_FORM = "age-form", "This is not an age in whole years.", "Write a whole number, such as 34.";
    AGE_DIFFERS = "age-differs", "Birth date and age do not agree.",
        "Give the age in whole years on the day of the start, or only one of the two.";
    DISTRICT_FORM = "district-form", "This is not a GSS code.",
        "Write a code such as E08000025, or leave it empty and give a postcode.";
    DISTRICT = "district-unknown", "This code is not a district of 2022 or one that became one.",
        "Correct it, or use the 2022 code of the district in which the learner lives.";
    POSTCODE_FORM = "postcode-form", "This is not a postcode.", "Correct it, or leave it empty.";
    POSTCODE = "postcode-unknown", "The postcode directory does not know this postcode.",
        "Correct it, give the district's code instead, or have a newer directory imported on the page Postcode directory.",
        by command "Correct it, give the district's code instead, or have a newer directory imported: `ldsp-node import postcodes FILE`.";
    POSTCODE_DISTRICT = "postcode-district", "The postcode directory gives a district that is newer than the 2022 districts of the data standard.",
        "Give the 2022 code in `district`, or import a directory of 2022.";
    NO_DIRECTORY = "postcode-directory", "No postcode directory has been imported, so the postcode cannot become a district.",
        "Have the ONS Postcode Directory imported first, on the page Postcode directory, or give the district's code.",
        by command "Import the ONS Postcode Directory first (`ldsp-node import postcodes FILE`), or give the district's code.";
    DESTINATION_OPEN = "destination-open", "There is a destination, but the enrolment has not ended with achievement, completion or withdrawal.",
        "Remove the destination, or correct stage and end.";
    DESTINATION_EARLY = "destination-early", "The destination is not due yet: the months since the end have not passed.",
        "Leave it empty until then.";
    PAIR = "pair-incomplete", "There is an answer at follow-up but none at the start.",
        "Fill in the answer at the start, or leave both empty.";
    PAIR_BEGUN = "pair-incomplete", "What came of both answers is recorded already, and there is an answer at the start but none now.",
        "Give both answers again to correct it, or leave both empty.";
    CONFIDENCE = "confidence-range", "This is not a whole number from 1 to 10.",
        "Give the answer on the scale of 1 to 10, or leave both fields empty.";
    EVERYDAY = "everyday-range", "This is not a whole number from 0 to 5.",
        "Give the number of everyday tasks (0 to 5), or leave both fields empty.";
    COST = "cost-form", "This is not an amount in pounds.",
        "Write it like 12500 or 12500.50, without sign and separators, or leave it empty.";
    IN_USE = "in-use", "Something stands on it.",
        "Take out first what stands on it.";
    TAKEN = "taken", "Another one has this already.",
        "Choose another code or name, or change the one that has it.";
    OTHERS_RECORDS = "provider-known", "Another provider has this name, with records or people of its own.",
        "People of the one would see the other's records. An admin gives its people the right organisation; the name of the records stays.";
    SKILLS = "skill-unknown", "One of the skills is not in the data standard.",
        "Give codes of the standard's skills with semicolons between them, or leave it empty.";
    ORGANISATION = "organisation-unknown", "No organisation of this node has this name.",
        "Add the organisation first, or correct the name.";
    NOT_A_PROVIDER = "organisation-kind", "This organisation is not a training provider.",
        "Choose a provider, or change what the organisation is.";
    COHORT_FILLED = "cohort-filled", "There are learners in this cohort already: they would be shown to another provider, or counted with another programme.",
        "Leave it as it was. Add another cohort, and have its provider put its learners there.";
    NOT_TRAINED = "organisation-kind", "This organisation is not a business, a charity or a public body.",
        "Choose one whose people are trained, or leave it empty.";
    KIND = "kind-unknown", "This is not a kind of organisation.",
        "Use provider, employer, charity, public-body or funder.";
    UKPRN = "ukprn-form", "A UKPRN has eight digits, the first of them no zero.",
        "Look it up in the UK Register of Learning Providers, or leave it empty.";
    COHORT = "cohort-unknown", "No cohort has this code.", "Add the cohort first, or correct the code.";
    ONE_OF_TWO = "programme-or-cohort", "An amount is for a programme as a whole or for one cohort.",
        "Give one of the two and leave the other empty.";
    MONTH = "month-form", "This is not clearly a month from 2000 on.", "Write months like 2022-09, 09/2022 or Sep 2022.";
    COLLECTOR = "collector-unknown", "This is none of those who may collect a data item.", "Use lep, panel, dfe or other.";
    ABOUT = "about-unknown", "This does not say what is missing.", "Use demand or provision.";
    FREQUENCY = "frequency-unknown", "This is not how often a data item is collected.", "Use once, monthly, quarterly, termly or yearly.";
    UNTIL_BEFORE = "until-before", "The last month is earlier than the first.", "Correct one of the two.";
    CATEGORY = "category-unknown", "This is not a category of spend.",
        "Use staff, premises, equipment, learner-support, marketing, overheads or other.";
    ASKS = "asks-unknown", "This is not one of those who ask.", "Use individual, employer, charity or public-body.";
    OTHER_ASKS = "organisation-kind", "An organisation is named that is not of the kind that asks.",
        "Say that a business, a charity or a public body asks, as the page Organisations calls it; or leave the organisation empty.";
    SERVICE_AREA = "service-area", "This is no district of England.",
        "Write its name or its GSS code, such as E08000027; leave it empty where the service is for the whole area.";
    AREA = "area-unknown", "This is no district of this node's LEP.",
        "Use the GSS code or the name of one of its districts, or whole for all of them.";
    NUMBER = "number-form", "This is not a whole number from 1 to 1,000,000.",
        "Write digits alone; or the words not published, where the source suppressed its number. What nobody asks for is no row.";
    COUNTS = "counts-unknown", "This is nothing that a number can be of here.", "Use people, employers or vacancies, or leave it empty for people.";
    HOW = "how-unknown", "This is not one of the ways in which demand is learnt.",
        "Use survey, vacancies, panel, workshop or application.";
    SURE = "sure-unknown", "This does not say how sure the number is.", "Use counted, estimated or guessed.";
    TERM = "term-form", "There is no letter and no digit in it.", "Write the words that are looked for.";
    WEIGHT = "weight-form", "This is not a whole number from 0 to 100.", "Write how sure one may be by this word alone, in percent; 0 where it is not to be looked for.";
    LONG_TEXT = "text-size", "The text is too long.", "Shorten it to at most 900 characters.";
    SERVICE_STATUS = "status-unknown", "This is not a status of a service.",
        "Use active, inactive, defunct or temporarily closed.";
    YES_OR_NO = "yes-or-no", "This is neither yes nor no.", "Write yes or no, or leave it empty: no.";
    URL = "url-form", "This is not the address of a page.",
        "Write it in full, such as https://www.example.org/courses, without a name or password in it.";
    SOURCE_ID = "source-id-form", "This is not an identifier in the form of a UUID.",
        "Copy it from the source: 32 hexadecimal digits in five groups with hyphens; or leave it empty.";
    AGES = "ages-order", "The highest age lies below the lowest.", "Correct one of the two ages.";
    RUNS = "runs-form", "This is not a number of runs in a year.",
        "Write a whole number up to 1000, or leave it empty.";
    DUPLICATE_SERVICE = "duplicate", "Another row of this file is the same service: the identifier at the source agrees, or organisation, name and place.",
        "Keep one row for each service.";
    CAPACITY = "capacity-form", "This is not a number of places.",
        "Write a whole number up to a million, or leave it empty.";
}
