-- The shape of a large archive, for SQLite's planner: rows in the table, then rows
-- for one value of each leading column of the index.
ANALYZE;
DELETE FROM sqlite_stat1;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
 ('Resources', 'ResourceTypeIndex', '1000000 250000'),
 ('Resources', 'PublicIndex', '1000000 1'),
 ('Resources', 'ChildrenIndex', '1000000 20'),
 ('MainDicomTags', 'MainDicomTagsIndex1', '6000000 6'),
 ('MainDicomTags', 'sqlite_autoindex_MainDicomTags_1', '6000000 6 3 1'),
 ('DicomIdentifiers', 'DicomIdentifiersIndexValues', '3000000 2'),
 ('DicomIdentifiers', 'DicomIdentifiersIndex2', '3000000 1000000 330000'),
 ('DicomIdentifiers', 'DicomIdentifiersIndex1', '3000000 3'),
 ('DicomIdentifiers', 'sqlite_autoindex_DicomIdentifiers_1', '3000000 3 2 1'),
 ('Metadata', 'sqlite_autoindex_Metadata_1', '6000000 6 1'),
 ('AttachedFiles', 'sqlite_autoindex_AttachedFiles_1', '1000000 1 1'),
 ('Changes', 'ChangesIndex', '2000000 2');
