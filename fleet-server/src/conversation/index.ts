export { type Conversation, type ConversationRooms, openConversation, wrap } from './conversation.ts';
