//! The types of v1.0 that are served here.

use super::kind::Kind;

pub const USER: Kind = Kind {
    name: "user",
    shown: "businessPhones[] displayName givenName jobTitle mail mobilePhone officeLocation preferredLanguage \
        surname userPrincipalName id",
    hidden: "deletedDateTime accountEnabled ageGroup assignedLicenses[] assignedPlans[] authorizationInfo city \
        companyName consentProvidedForMinor country createdDateTime creationType customSecurityAttributes \
        department employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType \
        externalUserState externalUserStateChangeDateTime faxNumber identities[] identityParentId imAddresses[] \
        isManagementRestricted isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification \
        licenseAssignmentStates[] mailNickname onPremisesDistinguishedName onPremisesDomainName \
        onPremisesExtensionAttributes onPremisesImmutableId onPremisesLastSyncDateTime \
        onPremisesProvisioningErrors[] onPremisesSamAccountName onPremisesSecurityIdentifier \
        onPremisesSyncEnabled onPremisesUserPrincipalName otherMails[] passwordPolicies passwordProfile \
        postalCode preferredDataLocation print provisionedPlans[] proxyAddresses[] securityIdentifier \
        serviceProvisioningErrors[] showInAddressList signInActivity signInSessionsValidFromDateTime state \
        streetAddress usageLocation userType",
    filters: "accountEnabled createdDateTime department displayName employeeId givenName id jobTitle mail mailNickname \
        otherMails proxyAddresses surname userPrincipalName userType",
    is_directory: true,
};

pub const GROUP: Kind = Kind {
    name: "group",
    shown: "id deletedDateTime classification createdDateTime description displayName expirationDateTime \
        groupTypes[] isAssignableToRole mail mailEnabled mailNickname membershipRule \
        membershipRuleProcessingState onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName \
        onPremisesSamAccountName onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation \
        preferredLanguage proxyAddresses[] renewedDateTime resourceBehaviorOptions[] \
        resourceProvisioningOptions[] securityEnabled securityIdentifier theme uniqueName visibility \
        onPremisesProvisioningErrors[] serviceProvisioningErrors[]",
    hidden: "assignedLabels[] assignedLicenses[] isManagementRestricted licenseProcessingState \
        onPremisesExtensionAttributes welcomeMessageEnabled",
    filters: "createdDateTime description displayName groupTypes id isAssignableToRole mail mailEnabled mailNickname \
        onPremisesSyncEnabled proxyAddresses securityEnabled uniqueName",
    is_directory: true,
};

pub const APPLICATION: Kind = Kind {
    name: "application",
    shown: "id deletedDateTime appId applicationTemplateId disabledByMicrosoftStatus createdByAppId createdDateTime \
        displayName description groupMembershipClaims identifierUris[] isDeviceOnlyAuthSupported isDisabled \
        isFallbackPublicClient nativeAuthenticationApisEnabled notes publisherDomain serviceManagementReference \
        signInAudience tags[] tokenEncryptionKeyId uniqueName samlMetadataUrl defaultRedirectUri certification \
        optionalClaims servicePrincipalLockConfiguration requestSignatureVerification addIns[] api appRoles[] \
        info keyCredentials[] parentalControlSettings passwordCredentials[] publicClient \
        requiredResourceAccess[] verifiedPublisher web spa",
    hidden: "authenticationBehaviors",
    filters: "appId applicationTemplateId createdDateTime description displayName id identifierUris notes \
        publisherDomain signInAudience tags uniqueName",
    is_directory: true,
};

pub const SERVICE_PRINCIPAL: Kind = Kind {
    name: "servicePrincipal",
    shown: "id deletedDateTime accountEnabled alternativeNames[] appDisplayName appDescription appId \
        applicationTemplateId appOwnerOrganizationId appRoleAssignmentRequired createdByAppId description \
        disabledByMicrosoftStatus displayName homepage isDisabled loginUrl logoutUrl notes \
        notificationEmailAddresses[] preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls[] \
        servicePrincipalNames[] servicePrincipalType signInAudience tags[] tokenEncryptionKeyId \
        samlSingleSignOnSettings addIns[] appRoles[] info keyCredentials[] oauth2PermissionScopes[] \
        passwordCredentials[] resourceSpecificApplicationPermissions[] verifiedPublisher",
    hidden: "customSecurityAttributes",
    filters: "accountEnabled alternativeNames appId appOwnerOrganizationId applicationTemplateId description \
        displayName homepage id servicePrincipalNames servicePrincipalType tags",
    is_directory: true,
};

pub const ORGANIZATION: Kind = Kind {
    name: "organization",
    shown: "id deletedDateTime assignedPlans[] businessPhones[] city country countryLetterCode createdDateTime \
        defaultUsageLocation displayName marketingNotificationEmails[] mobileDeviceManagementAuthority \
        onPremisesLastSyncDateTime onPremisesSyncEnabled partnerTenantType postalCode preferredLanguage \
        privacyProfile provisionedPlans[] securityComplianceNotificationMails[] \
        securityComplianceNotificationPhones[] state street technicalNotificationMails[] tenantType \
        verifiedDomains[]",
    hidden: "",
    filters: "",
    is_directory: true,
};

pub const DOMAIN: Kind = Kind {
    name: "domain",
    shown: "id authenticationType availabilityStatus isAdminManaged isDefault isInitial isRoot isVerified \
        manufacturer model passwordNotificationWindowInDays passwordValidityPeriodInDays state \
        supportedServices[]",
    hidden: "",
    filters: "",
    is_directory: false,
};

pub const APP_ROLE_ASSIGNMENT: Kind = Kind {
    name: "appRoleAssignment",
    shown: "id deletedDateTime appRoleId createdDateTime principalDisplayName principalId principalType \
        resourceDisplayName resourceId",
    hidden: "",
    filters: "principalId resourceId appRoleId",
    is_directory: true,
};

pub const PERMISSION_GRANT: Kind = Kind {
    name: "oAuth2PermissionGrant",
    shown: "id clientId consentType principalId resourceId scope",
    hidden: "",
    filters: "clientId consentType principalId resourceId",
    is_directory: false,
};

pub const APPLICATION_TEMPLATE: Kind = Kind {
    name: "applicationTemplate",
    shown: "id categories[] description displayName homePageUrl logoUrl publisher supportedProvisioningTypes[] \
        supportedSingleSignOnModes[]",
    hidden: "",
    filters: "displayName id categories publisher supportedProvisioningTypes supportedSingleSignOnModes",
    is_directory: false,
};

pub const CONDITIONAL_ACCESS_POLICY: Kind = Kind {
    name: "conditionalAccessPolicy",
    shown: "deletedDateTime conditions createdDateTime description displayName grantControls id modifiedDateTime \
        sessionControls state templateId",
    hidden: "",
    filters: "displayName id state createdDateTime modifiedDateTime",
    is_directory: false,
};

pub const TENANT_APP_MANAGEMENT_POLICY: Kind = Kind {
    name: "tenantAppManagementPolicy",
    shown: "id deletedDateTime description displayName applicationRestrictions isEnabled \
        servicePrincipalRestrictions",
    hidden: "",
    filters: "",
    is_directory: false,
};

pub const APP_MANAGEMENT_POLICY: Kind = Kind {
    name: "appManagementPolicy",
    shown: "id deletedDateTime description displayName isEnabled restrictions",
    hidden: "",
    filters: "displayName id",
    is_directory: false,
};

pub const CLAIMS_MAPPING_POLICY: Kind = Kind {
    name: "claimsMappingPolicy",
    shown: "id deletedDateTime description displayName definition[] isOrganizationDefault",
    hidden: "",
    filters: "",
    is_directory: false,
};

pub const HOME_REALM_DISCOVERY_POLICY: Kind = Kind {
    name: "homeRealmDiscoveryPolicy",
    shown: "id deletedDateTime description displayName definition[] isOrganizationDefault",
    hidden: "",
    filters: "",
    is_directory: false,
};

pub const SIGN_IN: Kind = Kind {
    name: "signIn",
    shown: "id appDisplayName appId appliedConditionalAccessPolicies[] authenticationAppDeviceDetails clientAppUsed \
        conditionalAccessStatus correlationId createdDateTime deviceDetail homeTenantId ipAddress isInteractive \
        location resourceDisplayName resourceId resourceTenantId riskDetail riskEventTypes[] riskEventTypes_v2[] \
        riskLevelAggregated riskLevelDuringSignIn riskState servicePrincipalId servicePrincipalName status \
        userAgent userDisplayName userId userPrincipalName",
    hidden: "",
    filters: "appDisplayName appId clientAppUsed conditionalAccessStatus correlationId createdDateTime id ipAddress \
        resourceDisplayName resourceId riskState status userDisplayName userId userPrincipalName",
    is_directory: false,
};

pub const SYNCHRONIZATION_TEMPLATE: Kind = Kind {
    name: "synchronizationTemplate",
    shown: "id applicationId default description discoverable factoryTag metadata[]",
    hidden: "",
    filters: "id factoryTag",
    is_directory: false,
};

pub const SYNCHRONIZATION_JOB: Kind = Kind {
    name: "synchronizationJob",
    shown: "id schedule status synchronizationJobSettings[] templateId",
    hidden: "",
    filters: "id templateId",
    is_directory: false,
};

pub const PROVISIONING_OBJECT_SUMMARY: Kind = Kind {
    name: "provisioningObjectSummary",
    shown: "id activityDateTime changeId cycleId durationInMilliseconds initiatedBy jobId modifiedProperties[] \
        provisioningAction provisioningStatusInfo provisioningSteps[] servicePrincipal sourceIdentity sourceSystem \
        targetIdentity targetSystem tenantId",
    hidden: "",
    filters: "id activityDateTime changeId cycleId durationInMilliseconds initiatedBy jobId provisioningAction \
        provisioningStatusInfo servicePrincipal sourceIdentity sourceSystem targetIdentity targetSystem tenantId",
    is_directory: false,
};

/// Anything of the directory: a member of a group, an owner. What any of the three types above has can be asked for.
pub const DIRECTORY_OBJECT: Kind = Kind {
    name: "directoryObject",
    shown: "id deletedDateTime",
    hidden: "accountEnabled ageGroup assignedLicenses[] assignedPlans[] authorizationInfo businessPhones[] city \
        companyName consentProvidedForMinor country createdDateTime creationType customSecurityAttributes \
        department displayName employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType \
        externalUserState externalUserStateChangeDateTime faxNumber givenName identities[] identityParentId \
        imAddresses[] isManagementRestricted isResourceAccount jobTitle lastPasswordChangeDateTime \
        legalAgeGroupClassification licenseAssignmentStates[] mail mailNickname mobilePhone officeLocation \
        onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId \
        onPremisesLastSyncDateTime onPremisesProvisioningErrors[] onPremisesSamAccountName \
        onPremisesSecurityIdentifier onPremisesSyncEnabled onPremisesUserPrincipalName otherMails[] \
        passwordPolicies passwordProfile postalCode preferredDataLocation preferredLanguage print \
        provisionedPlans[] proxyAddresses[] securityIdentifier serviceProvisioningErrors[] showInAddressList \
        signInActivity signInSessionsValidFromDateTime state streetAddress surname usageLocation \
        userPrincipalName userType assignedLabels[] classification description expirationDateTime groupTypes[] \
        isAssignableToRole licenseProcessingState mailEnabled membershipRule membershipRuleProcessingState \
        onPremisesNetBiosName renewedDateTime resourceBehaviorOptions[] resourceProvisioningOptions[] \
        securityEnabled theme uniqueName visibility welcomeMessageEnabled addIns[] alternativeNames[] \
        appDescription appDisplayName appId applicationTemplateId appOwnerOrganizationId \
        appRoleAssignmentRequired appRoles[] createdByAppId disabledByMicrosoftStatus homepage info isDisabled \
        keyCredentials[] loginUrl logoutUrl notes notificationEmailAddresses[] oauth2PermissionScopes[] \
        passwordCredentials[] preferredSingleSignOnMode preferredTokenSigningKeyThumbprint replyUrls[] \
        resourceSpecificApplicationPermissions[] samlSingleSignOnSettings servicePrincipalNames[] \
        servicePrincipalType signInAudience tags[] tokenEncryptionKeyId verifiedPublisher",
    filters: "accountEnabled createdDateTime department displayName employeeId givenName id jobTitle mail mailNickname \
        otherMails proxyAddresses surname userPrincipalName userType description groupTypes isAssignableToRole \
        mailEnabled onPremisesSyncEnabled securityEnabled uniqueName alternativeNames appId \
        appOwnerOrganizationId applicationTemplateId homepage servicePrincipalNames servicePrincipalType tags",
    is_directory: true,
};
