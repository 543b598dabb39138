"""What an API key may do: the scopes, and the one that each operation of the API asks of a key. Pure.

The whole policy is on this page. It fails closed: an operation that is not named here is for sessions alone, and so is
everything about the account itself, for a key must not be able to make keys or to outlive a change of the password.
"""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal[
    "photos:read",
    "photos:upload",
    "photos:write",
    "photos:delete",
    "albums:read",
    "albums:write",
    "people:read",
    "people:write",
    "shares:read",
    "shares:write",
    "exports:read",
    "account:read",
]
SCOPES: tuple[Scope, ...] = get_args(Scope)

MEANINGS: dict[Scope, str] = {
    "photos:read": "see and search photos, with everything that the vault knows of each",
    "photos:upload": "add photos, and ask which of them are there already; what a camera's uploader needs",
    "photos:write": "edit photos, put them into the trash and take them out again; answers show the photos",
    "photos:delete": "delete photos in the trash for good",
    "albums:read": "see albums and the photos in them",
    "albums:write": "make, edit and delete albums, smart ones of any photos too, and have the automatic ones made anew",
    "people:read": "see people and who appears with whom",
    "people:write": "name, merge, split and hide people, and correct faces",
    "shares:read": "see what is shared",
    "shares:write": "share photos and albums with whoever has a link, and end shares",
    "exports:read": "export everything, and follow what changes: all photos, with albums and people",
    "account:read": "see who the key belongs to, figures of the vault, its history and its jobs",
}

# By operation id, as in the OpenAPI document.
NEEDED: dict[str, Scope] = {
    # photos
    "listImages": "photos:read",
    "getImage": "photos:read",
    "viewImage": "photos:read",
    "similarImages": "photos:read",
    "timeline": "photos:read",
    "mapOfImages": "photos:read",
    "memories": "photos:read",
    "listLabels": "photos:read",
    "findPlaces": "photos:read",
    "listTrash": "photos:read",
    "listDuplicates": "photos:read",
    "search": "photos:read",
    "suggest": "photos:read",
    "searchByImage": "photos:read",
    "dashboardLocationAnalysis": "photos:read",
    "previewSmartAlbum": "photos:read",  # a filter sees all photos, whatever albums there are
    "announceUploads": "photos:upload",
    "checkUploads": "photos:upload",
    "uploadImage": "photos:upload",
    "editImage": "photos:write",
    "editImages": "photos:write",
    "addLabel": "photos:write",
    "removeLabel": "photos:write",
    "shiftTime": "photos:write",
    "redriveImage": "photos:write",
    "resolveDuplicates": "photos:write",
    "dismissDuplicates": "photos:write",
    "deleteImage": "photos:write",
    "deleteImages": "photos:write",
    "restoreImage": "photos:write",
    "restoreImages": "photos:write",
    "purgeImage": "photos:delete",
    "emptyTrash": "photos:delete",
    # albums
    "listAlbums": "albums:read",
    "getAlbum": "albums:read",
    "listAlbumImages": "albums:read",
    "explainAlbum": "albums:read",
    "albumsByLocation": "albums:read",
    "albumsByDate": "albums:read",
    "createAlbum": "albums:write",
    "createSmartAlbum": "albums:write",
    "editAlbum": "albums:write",
    "deleteAlbum": "albums:write",
    "restoreAlbum": "albums:write",
    "addAlbumImages": "albums:write",
    "removeAlbumImages": "albums:write",
    "orderAlbumImages": "albums:write",
    "generateAlbums": "albums:write",
    "cancelJob": "albums:write",
    # people
    "listPeople": "people:read",
    "getPerson": "people:read",
    "dashboardPersonAnalysis": "people:read",
    "editPerson": "people:write",
    "mergePeople": "people:write",
    "splitPerson": "people:write",
    "assignFace": "people:write",
    "unassignFace": "people:write",
    "undoCorrection": "people:write",
    # sharing
    "listShares": "shares:read",
    "getShare": "shares:read",
    "shareAlbum": "shares:write",
    "sharePhotos": "shares:write",
    "editShare": "shares:write",
    "renewShareLink": "shares:write",
    "revokeShare": "shares:write",
    # all of it at once
    "createExport": "exports:read",
    "getExport": "exports:read",
    "deleteExport": "exports:read",
    "listExportImages": "exports:read",
    "listExportAlbums": "exports:read",
    "listExportPeople": "exports:read",
    "listChanges": "exports:read",
    # the account
    "verify": "account:read",
    "dashboardStats": "account:read",
    "dashboardStorageAnalysis": "account:read",
    "dashboardRecentActivity": "account:read",
    "getJob": "account:read",
}
